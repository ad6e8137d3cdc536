/* Sets the height of the frame when TFDV's element has been loaded from the internet. */
(() => {
  'use strict';
  const frame = window.frameElement;
  const look = () => {
    const element = document.querySelector('facets-overview');
    const height = element ? element.getBoundingClientRect().height : 0;
    // Before its definition is loaded, the element is at most one line high.
    if (frame && height > 100) frame.style.height = `${Math.ceil(height) + 32}px`;
  };
  setInterval(look, 500);
})();
