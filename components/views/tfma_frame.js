/* Loads the charts and TFMA's components, then mounts a component for each view. */
(async () => {
  'use strict';

  const SECONDS_FOR_GOOGLE = 4;

  /** Loads Google Charts as the components would. Rejects where they cannot be reached. */
  function googleCharts() {
    return new Promise((resolve, reject) => {
      if (!navigator.onLine) reject(new Error('offline'));
      setTimeout(() => reject(new Error('no answer')), 1000 * SECONDS_FOR_GOOGLE);
      const script = document.createElement('script');
      script.src = 'https://www.gstatic.com/charts/loader.js';
      script.onerror = reject;
      script.onload = () =>
        google.charts.load('current', {packages: ['corechart', 'table']}).then(resolve, reject);
      document.head.append(script);
    });
  }

  async function charts() {
    try {
      await googleCharts();
      return 'Google Charts';
    } catch {
      // A late answer from Google must not replace the offline charts.
      const property = {value: Object.freeze(offlineCharts), writable: false, configurable: false};
      Object.defineProperty(window, 'google', property);
      return 'offline charts';
    }
  }

  async function components() {
    const packed = document.getElementById('components').textContent;
    const bytes = Uint8Array.from(atob(packed), letter => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    const script = document.createElement('script');
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  function mount(holder, {tag, config, data}) {
    const element = document.createElement(tag);
    element.config = config;
    element.data = data;
    holder.replaceChildren(element);
  }

  function show(section, views) {
    const holder = section.querySelector('div');
    const choice = section.querySelector('select');
    mount(holder, views[0]);
    if (choice) choice.onchange = () => mount(holder, views[choice.value]);
  }

  /** Makes the frame as high as its content. Without this script it has no height. */
  function fit() {
    const frame = window.frameElement;
    if (!frame) return;
    const height = () => {
      frame.style.height = `${Math.ceil(document.body.getBoundingClientRect().height) + 16}px`;
    };
    new ResizeObserver(height).observe(document.body);
    height();
  }

  const drawnBy = await charts();
  await components();
  const views = JSON.parse(document.getElementById('views').textContent);
  views.forEach((alternatives, index) => {
    show(document.querySelectorAll('section')[index], alternatives);
  });
  document.body.dataset.drawnBy = drawnBy;
  fit();
})();
