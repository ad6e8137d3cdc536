/*
 * Replaces Google Charts, with which TFMA's components draw, where it cannot be reached.
 *
 * The licence of Google Charts forbids copies. This file implements the interface that the
 * components use: tables, and line, column, scatter and bubble charts of a table whose first column
 * is the x axis.
 */
window.offlineCharts = (() => {
  'use strict';

  const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
  const MARGIN = {top: 32, right: 56, bottom: 46, left: 64};

  const listeners = new WeakMap();

  function listen(source, name, handler, once) {
    if (!listeners.has(source)) listeners.set(source, []);
    listeners.get(source).push({name, handler, once});
  }

  function trigger(source, name, detail) {
    const all = listeners.get(source) || [];
    const called = all.filter(listener => listener.name === name);
    listeners.set(source, all.filter(listener => !(listener.once && called.includes(listener))));
    called.forEach(listener => listener.handler(detail));
  }

  const value = cell => (cell !== null && typeof cell === 'object' ? cell.v : cell);

  function text(cell) {
    if (cell !== null && typeof cell === 'object' && cell.f != null) return String(cell.f);
    const plain = value(cell);
    return plain == null ? '' : String(plain);
  }

  function compare(one, other) {
    const [a, b] = [value(one), value(other)];
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    return String(a).localeCompare(String(b), undefined, {numeric: true});
  }

  /** Columns `{label, role}` and rows of cells. A cell is a value or `{v: value, f: text}`. */
  class DataTable {
    constructor({cols = [], rows = []} = {}) {
      this.columns = cols.map(col => (typeof col === 'object' ? col : {label: String(col)}));
      this.rows = rows;
    }

    getNumberOfRows() {
      return this.rows.length;
    }

    addRows(rows) {
      this.rows.push(...rows);
    }

    sort(by) {
      const keys = (Array.isArray(by) ? by : [by]).map(
          key => (typeof key === 'number' ? {column: key} : key));
      this.rows.sort((a, b) => {
        for (const {column, desc} of keys) {
          const order = compare(a[column], b[column]);
          if (order) return desc ? -order : order;
        }
        return 0;
      });
    }
  }

  /** Some columns of a table, or texts made from them. */
  class DataView extends DataTable {
    constructor(table) {
      super({cols: table.columns, rows: table.rows});
      this.table = table;
    }

    setColumns(chosen) {
      const source = column => (typeof column === 'number' ? column : column.sourceColumn);
      this.columns = chosen.map(
          column => (typeof column === 'number' ? this.table.columns[column] : column));
      this.rows = this.table.rows.map(row => chosen.map(
          column => (typeof column === 'number' ? row[column] : text(row[source(column)]))));
    }
  }

  function arrayToDataTable([header, ...rows]) {
    return new DataTable({cols: header, rows});
  }

  class Chart {
    constructor(container) {
      this.container = container;
      this.selection = [];
    }

    draw(table, options = {}) {
      this.table = table;
      this.options = options;
      this.container.replaceChildren();
      if (table.columns.length) this.render();
      trigger(this, 'ready');
    }

    getSelection() {
      return this.selection;
    }

    setSelection(selection) {
      this.selection = selection || [];
      this.showSelection();
    }

    /** Handles a selection by the user, unlike setSelection. */
    select(selection) {
      this.setSelection(selection);
      trigger(this, 'select');
    }

    showSelection() {}
  }

  /** A table with pages. A click on a heading sorts it, a click on a row selects the row. */
  class Table extends Chart {
    render() {
      this.order = this.table.rows.map((_, index) => index);
      this.sorted = null;
      this.page = 0;
      this.show();
    }

    show() {
      const size = this.options.page === 'enable' ? this.options.pageSize : this.order.length;
      const table = document.createElement('table');
      table.className = 'google-visualization-table-table';
      table.style.cssText = 'border-collapse: collapse; font: 13px system-ui, sans-serif;';
      const head = table.createTHead().insertRow();
      this.table.columns.forEach((column, index) => {
        const cell = document.createElement('th');
        cell.scope = 'col';
        const arrow = {up: ' ▲', down: ' ▼'};
        const direction = this.sorted && this.sorted.column === index ?
            (this.sorted.ascending ? 'up' : 'down') : null;
        // A line may break after an underscore.
        (column.label || '').split(/(?<=_)/).forEach(
            word => cell.append(word, document.createElement('wbr')));
        cell.append(direction ? arrow[direction] : '');
        cell.style.cssText = 'padding: 4px 8px; background: #f3f5f7; cursor: pointer;' +
            'border-bottom: 1px solid #aab; text-align: left;';
        cell.onclick = () => this.sortBy(index);
        head.append(cell);
      });
      const body = table.createTBody();
      this.shown = this.order.slice(this.page * size, (this.page + 1) * size);
      for (const index of this.shown) {
        const row = body.insertRow();
        row.onclick = () => {
          const selected = this.selection.some(item => item.row === index);
          this.select(selected ? [] : [{row: index}]);
        };
        this.table.rows[index].forEach(content => {
          const cell = row.insertCell();
          const shown = text(content);
          cell.style.cssText = 'padding: 4px 8px; border-bottom: 1px solid #dde;' +
              (typeof value(content) === 'number' ? 'text-align: right;' : '');
          // TFMA's own elements show matrices and bounds. Everything else is text, not HTML.
          if (this.options.allowHtml && shown.startsWith('<tfma-')) cell.innerHTML = shown;
          else cell.textContent = shown;
        });
      }
      this.container.replaceChildren(table);
      this.container.style.overflowX = 'auto';
      if (size < this.order.length) this.container.append(this.pages(size));
      this.body = body;
      this.showSelection();
    }

    pages(size) {
      const last = Math.ceil(this.order.length / size) - 1;
      const bar = document.createElement('div');
      const step = (label, by) => {
        const button = document.createElement('button');
        button.textContent = label;
        button.disabled = this.page + by < 0 || this.page + by > last;
        button.onclick = () => {
          this.page += by;
          this.show();
          trigger(this, 'page', {page: this.page});
        };
        return button;
      };
      bar.append(step('previous', -1), ` ${this.page + 1} of ${last + 1} `, step('next', 1));
      return bar;
    }

    sortBy(column) {
      const again = this.sorted && this.sorted.column === column;
      this.sorted = {column, ascending: again ? !this.sorted.ascending : true};
      const sign = this.sorted.ascending ? 1 : -1;
      const rows = this.table.rows;
      this.order.sort((a, b) => sign * compare(rows[a][column], rows[b][column]));
      this.page = 0;
      this.show();
      trigger(this, 'sort', {...this.sorted, sortedIndexes: this.order});
    }

    showSelection() {
      if (!this.body) return;
      [...this.body.rows].forEach((row, place) => {
        const selected = this.selection.some(item => item.row === this.shown[place]);
        row.style.background = selected ? '#d6e9f8' : '';
      });
    }
  }

  /** Adds an SVG element, without the attributes that are null. */
  function add(parent, tag, attributes = {}, content = '') {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, setting] of Object.entries(attributes)) {
      if (setting !== null && setting !== undefined) element.setAttribute(name, setting);
    }
    if (content) element.textContent = content;
    parent.append(element);
    return element;
  }

  function extent(numbers) {
    const all = numbers.filter(Number.isFinite);
    return all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  }

  /** Returns the step between about `count` ticks: 1, 2 or 5 times a power of ten. */
  function tickStep([least, greatest], count) {
    const rough = (greatest - least) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    return power * [1, 2, 5, 10].find(digit => digit * power >= rough * 0.999);
  }

  /** Returns a scale from numbers to pixels. */
  function linear([least, greatest], [start, end], nice = false) {
    if (least === greatest) {
      const room = Math.abs(least) * 0.05 || 0.5;
      [least, greatest] = [least - room, greatest + room];
    }
    const step = tickStep([least, greatest], 5);
    if (nice) {
      [least, greatest] = [Math.floor(least / step) * step, Math.ceil(greatest / step) * step];
    }
    const at = number => start + (end - start) * (number - least) / (greatest - least);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const ticks = [];
    for (let place = Math.ceil(least / step - 1e-9); place * step <= greatest + step * 1e-9;
      place++) {
      ticks.push({at: at(place * step), label: (place * step).toFixed(digits)});
    }
    return {at, ticks, clamped: number => at(Math.min(greatest, Math.max(least, number)))};
  }

  /** Mixes two colours, each #rrggbb. A fraction of 0 gives the first, of 1 the second. */
  function mixColours(low, high, fraction) {
    const channel = (colour, place) => parseInt(colour.slice(1 + 2 * place, 3 + 2 * place), 16);
    const mix = place => Math.round(
        channel(low, place) + (channel(high, place) - channel(low, place)) * fraction);
    return `rgb(${mix(0)}, ${mix(1)}, ${mix(2)})`;
  }

  /** A chart with axes. */
  class Plot extends Chart {
    frame(hasSecondAxis = false) {
      const host = this.container.getRootNode().host;
      const width = this.options.width || this.container.clientWidth || 480;
      const height = this.options.height || (host && host.clientHeight) || 300;
      const svg = add(this.container, 'svg', {
        width, height, 'role': 'img', 'aria-label': this.summary(),
        'style': 'font: 11px system-ui, sans-serif; background: #fff; display: block',
      });
      const [left, top] = [MARGIN.left, MARGIN.top];
      const right = width - (hasSecondAxis ? MARGIN.right : 16);
      const bottom = height - MARGIN.bottom;
      // To mark the bars of a histogram, TFMA looks for the clipped group, the second group in it
      // and the third group after it.
      const id = `clip-${Math.random().toString(36).slice(2)}`;
      add(add(svg, 'clipPath', {id}), 'rect', {
        x: left - 6, y: top - 6,
        width: Math.max(0, right - left + 12), height: Math.max(0, bottom - top + 12),
      });
      const inside = add(svg, 'g', {'clip-path': `url(#${id})`});
      const [grid, bars, lines] = [add(inside, 'g'), add(inside, 'g'), add(inside, 'g')];
      const [axes, legend, labels] = [add(svg, 'g'), add(svg, 'g'), add(svg, 'g')];
      return {grid, bars, lines, axes, legend, labels, width, height, left, top, right, bottom};
    }

    summary() {
      const names = this.table.columns.filter(column => !column.role)
          .map(column => column.label).filter(Boolean);
      return `Chart of ${names.slice(1).join(', ')} over ${names[0]}`;
    }

    mark(shape, point) {
      add(shape, 'title', {}, point.tooltip);
      const item = {row: point.row, column: point.column};
      shape.addEventListener('click', () => this.select([item]));
      shape.addEventListener('mouseover', () => trigger(this, 'onmouseover', item));
      shape.addEventListener('mouseout', () => trigger(this, 'onmouseout', item));
      this.marks.push({shape, item});
    }

    showSelection() {
      for (const {shape, item} of this.marks || []) {
        const selected = this.selection.some(chosen => chosen.row === item.row);
        shape.style.stroke = selected ? '#1b1f24' : '';
        shape.style.strokeWidth = selected ? 3 : '';
      }
    }

    bottomAxis({axes, left, right, bottom, height}, ticks, title) {
      add(axes, 'line', {x1: left, x2: right, y1: bottom, y2: bottom, stroke: '#556'});
      for (const {at, label} of ticks) {
        add(axes, 'line', {x1: at, x2: at, y1: bottom, y2: bottom + 4, stroke: '#556'});
        add(axes, 'text', {x: at, y: bottom + 16, 'text-anchor': 'middle'}, label);
      }
      add(axes, 'text', {x: (left + right) / 2, y: height - 8, 'text-anchor': 'middle'}, title);
    }

    sideAxis({grid, axes, left, right, top, bottom, width}, ticks, title, second = false) {
      const x = second ? right : left;
      add(axes, 'line', {x1: x, x2: x, y1: top, y2: bottom, stroke: '#556'});
      for (const {at, label} of ticks) {
        if (!second) add(grid, 'line', {x1: left, x2: right, y1: at, y2: at, stroke: '#e4e7ea'});
        add(axes, 'text', {
          'x': second ? x + 6 : x - 6, 'y': at + 4, 'text-anchor': second ? 'start' : 'end',
        }, label);
      }
      const place = `translate(${second ? width - 8 : 14},${(top + bottom) / 2})rotate(-90)`;
      add(axes, 'text', {'transform': place, 'text-anchor': 'middle'}, title);
    }
  }

  /** Series over a common x axis. The `kind` of a subclass says how it draws a series. */
  class SeriesChart extends Plot {
    render() {
      const series = this.series();
      this.marks = [];
      if (!series.length || !this.table.rows.length) return;
      const byAxis = [0, 1].map(axis => series.filter(one => one.axis === axis));
      const frame = this.frame(byAxis[1].length > 0);
      const x = this.xScale(frame, series);
      const y = byAxis.map(group => this.yScale(frame, group));
      for (const one of series) {
        if (one.kind === 'bars') this.drawBars(frame, one, series, x, y[one.axis]);
        else this.drawLine(frame, one, x, y[one.axis]);
      }
      const {hAxis = {}, vAxis = {}, vAxes = {}} = this.options;
      this.bottomAxis(frame, x.ticks, hAxis.title || '');
      byAxis.forEach((group, axis) => {
        const title = (vAxes[axis] || {}).title || (axis ? '' : vAxis.title) || '';
        if (group.length) this.sideAxis(frame, y[axis].ticks, title, axis === 1);
      });
      this.drawLegend(frame, series);
      this.showSelection();
    }

    series() {
      const columns = this.table.columns;
      const all = [];
      columns.forEach((column, index) => {
        if (index === 0 || column.role) return;
        const own = (this.options.series || {})[all.length] || {};
        // A column with a role belongs to the column before it.
        const roles = {};
        for (let next = index + 1; next < columns.length && columns[next].role; next++) {
          roles[columns[next].role] = next;
        }
        const points = this.table.rows.map((cells, row) => ({
          row,
          column: index,
          x: cells[0],
          y: value(cells[index]),
          tooltip: roles.tooltip ?
              text(cells[roles.tooltip]) :
              `${text(cells[0])}, ${column.label}: ${text(cells[index])}`,
          annotation: roles.annotation ? text(cells[roles.annotation]) : '',
        }));
        all.push({
          points,
          label: column.label || '',
          kind: own.type || this.kind,
          axis: own.targetAxisIndex || 0,
          dash: (own.lineDashStyle || []).join(' '),
          inLegend: own.visibleInLegend !== false,
          colour: COLOURS[all.length % COLOURS.length],
        });
      });
      return all;
    }

    xScale({left, right}, series) {
      const cells = this.table.rows.map(row => value(row[0]));
      if (!cells.every(cell => typeof cell === 'number')) {
        const step = (right - left) / cells.length;
        const at = cell => left + (cells.indexOf(value(cell)) + 0.5) * step;
        // The ends of long names distinguish them better than the beginnings.
        const room = Math.max(2, Math.floor(step / 7));
        const short = label => (label.length > room ? `…${label.slice(1 - room)}` : label);
        return {at, step, ticks: this.table.rows.map(
            row => ({at: at(row[0]), label: short(text(row[0]))}))};
      }
      const [least, greatest] = extent(cells);
      // A bar is as wide as the distance to the next one.
      const gap = (greatest - least) / Math.max(1, cells.length - 1) || 1;
      const room = series.some(one => one.kind === 'bars') ? gap / 2 : 0;
      const scale = linear([least - room, greatest + room], [left, right]);
      const at = cell => scale.at(value(cell));
      const chosen = (this.options.hAxis || {}).ticks;
      const ticks = chosen ? chosen.map(tick => ({at: at(tick), label: text(tick)})) : scale.ticks;
      return {at, ticks, step: scale.at(gap) - scale.at(0)};
    }

    yScale({top, bottom}, group) {
      let [least, greatest] = extent(group.flatMap(one => one.points.map(point => point.y)));
      if (group.some(one => one.kind === 'bars')) [least, greatest] = [0, Math.max(greatest, 0)];
      const scale = linear([least, greatest], [bottom, top], true);
      const chosen = (this.options.vAxis || {}).ticks;
      if (!chosen) return scale;
      return {...scale, ticks: chosen.map(tick => ({at: scale.at(value(tick)), label: text(tick)}))};
    }

    drawLine({lines}, one, x, y) {
      const points = one.points.filter(point => Number.isFinite(point.y));
      if (one.kind === 'line') {
        add(lines, 'polyline', {
          'points': points.map(point => `${x.at(point.x)},${y.at(point.y)}`).join(' '),
          'fill': 'none', 'stroke': one.colour, 'stroke-width': 2,
          'stroke-dasharray': one.dash || null,
        });
      }
      const visible = one.kind === 'scatter' || points.length <= 30 && !one.dash;
      for (const point of points) {
        this.mark(add(lines, 'circle', {
          cx: x.at(point.x), cy: y.at(point.y), r: 4, fill: visible ? one.colour : 'transparent',
        }), point);
      }
    }

    drawBars({bars, labels}, one, series, x, y) {
      const all = series.filter(other => other.kind === 'bars');
      const width = 0.75 * x.step / all.length;
      for (const point of one.points) {
        const height = Number.isFinite(point.y) ? point.y : 0;
        const left = x.at(point.x) + (all.indexOf(one) - all.length / 2) * width;
        this.mark(add(bars, 'rect', {
          x: left, y: y.at(height), width, height: y.at(0) - y.at(height), fill: one.colour,
        }), point);
        add(add(labels, 'g'), 'text', {
          'x': left + width / 2, 'y': y.at(height) - 3, 'text-anchor': 'middle',
        }, point.annotation);
      }
    }

    drawLegend({legend, left}, series) {
      let x = left;
      const write = (label, fill) => {
        const entry = add(legend, 'text', {x, y: 16, fill}, label);
        x += 18 + (entry.getComputedTextLength() || 7 * label.length);
      };
      const {title, legend: {position} = {}} = this.options;
      if (title) write(title, '#1b1f24');
      if (position === 'none') return;
      series.filter(one => one.inLegend && one.label).forEach(
          one => write(`● ${one.label}`, one.colour));
    }
  }

  class LineChart extends SeriesChart {
    kind = 'line';
  }

  class ColumnChart extends SeriesChart {
    kind = 'bars';
  }

  class ScatterChart extends SeriesChart {
    kind = 'scatter';
  }

  /** Columns: name, x, y, and numbers for colour and size. */
  class BubbleChart extends Plot {
    render() {
      const {colorAxis = {}, sizeAxis = {}, hAxis = {}, vAxis = {}, title = ''} = this.options;
      const rows = this.table.rows.map(row => row.map(value));
      const frame = this.frame();
      const scale = (axis, column, range) => {
        const [least, greatest] = extent(rows.map(row => row[column]));
        const {min = least, max = greatest} = axis.viewWindow || {};
        return linear([min, max], range);
      };
      const x = scale(hAxis, 1, [frame.left, frame.right]);
      const y = scale(vAxis, 2, [frame.bottom, frame.top]);
      const [low, high] = colorAxis.colors || ['#f0f0f0', '#0a47a4'];
      const shade = linear([colorAxis.minValue ?? 0, colorAxis.maxValue ?? 1], [0, 1]);
      const size = linear([sizeAxis.minValue ?? 0, sizeAxis.maxValue ?? 1],
          [sizeAxis.minSize ?? 4, sizeAxis.maxSize ?? 12]);
      this.marks = [];
      rows.forEach((row, index) => {
        if (!Number.isFinite(row[1]) || !Number.isFinite(row[2])) return;
        const tooltip = this.table.columns.map(
            (column, place) => `${column.label || ''}: ${row[place]}`).slice(1).join('\n');
        this.mark(add(frame.lines, 'circle', {
          cx: x.at(row[1]), cy: y.at(row[2]), r: size.clamped(row[4] || 0), stroke: '#556',
          fill: mixColours(low, high, shade.clamped(row[3] || 0)),
        }), {row: index, column: 1, tooltip});
      });
      this.bottomAxis(frame, x.ticks, hAxis.title || '');
      this.sideAxis(frame, y.ticks, vAxis.title || '');
      add(frame.legend, 'text', {x: frame.left, y: 16}, title);
      this.showSelection();
    }
  }

  const KINDS = {
    Table, LineChart, ColumnChart, ScatterChart, BubbleChart, ComboChart: LineChart,
  };

  class ChartWrapper {
    constructor({container}) {
      this.container = container;
      this.chart = null;
    }

    setChartType(type) {
      this.type = type;
    }

    getChart() {
      return this.chart;
    }

    setDataTable(table) {
      this.table = table;
    }

    setOptions(options) {
      this.options = options;
    }

    draw() {
      const kind = KINDS[this.type];
      if (!kind || !this.table) return;
      if (!(this.chart instanceof kind)) {
        this.chart = new kind(this.container);
        listen(this.chart, 'ready', () => trigger(this, 'ready'));
        listen(this.chart, 'select', () => trigger(this, 'select'));
      }
      this.chart.draw(this.table, this.options);
    }
  }

  return {
    charts: {load: async () => {}},
    visualization: {
      DataTable, DataView, arrayToDataTable, ChartWrapper, ...KINDS,
      events: {
        addListener: (source, name, handler) => listen(source, name, handler, false),
        addOneTimeListener: (source, name, handler) => listen(source, name, handler, true),
        trigger,
      },
    },
  };
})();
