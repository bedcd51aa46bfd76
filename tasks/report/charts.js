// Lines: drawn by Chart.js where the page has it, else the SVG that the program drew.

const charts = [];  // to be drawn again when the colours change
if (typeof Chart !== 'undefined') Chart.defaults.font.size = 13;

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim(); }

// Running mean with weight `part` on what was before, free of its bias towards the first number. Kingma & Ba 2015, section 3.
// On a logarithmic axis it is that of the logarithms: else one high point would draw a slope of its own over all that follow.
function smoothed(points, part, log) {
  let mean = 0, weight = 0;
  return points.map(({x, y}) => {
    if (y === null || !isFinite(y)) return {x, y};
    mean = part * mean + (1 - part) * (log ? Math.log(y) : y);
    weight = part * weight + (1 - part);
    return {x, y: log ? Math.exp(mean / weight) : mean / weight};
  });
}

function datasets(view, smoothing, log) {
  const sets = [];
  view.lines.forEach((line, n) => {
    const all = line.x.map((x, i) => ({x, y: line.y[i]}));
    const points = log ? all.map(p => ({x: p.x, y: p.y > 0 ? p.y : null})) : all;
    const there = i => i >= 0 && i < points.length && points[i].y !== null && isFinite(points[i].y);
    const soft = smoothing > 0 && !line.dashed && points.length > 50;
    const own = colour('c' + (line.colour === undefined ? n : line.colour) % 8);
    const number = line.colour === undefined ? n : line.colour;  // where colours come again, lines are dotted
    const look = {borderColor: own, borderDash: number < 8 ? line.dashed ? [6, 4] : [] : line.dashed ? [6, 3, 1, 3] : [2, 3], order: -n, pointRadius: points.map((p, i) => there(i) && !there(i - 1) && !there(i + 1) ? 2.5 : 0),
      pointBackgroundColor: own, borderWidth: 2, spanGaps: false,
      yAxisID: line.right ? 'right' : 'y'};
    if (soft && view.lines.length <= 3) sets.push({...look, label: '', data: points, borderColor: look.borderColor + '40', borderWidth: 1});
    sets.push({...look, label: line.name, data: soft ? smoothed(points, smoothing, log) : points});
  });
  return sets;
}

// Upright dashed lines, each with a word.
const marksPlugin = {
  id: 'marks',
  afterDatasetsDraw(chart, args, options) {
    const {ctx, chartArea: area, scales} = chart;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour('soft');
    ctx.setLineDash([3, 3]);
    ctx.font = '13px system-ui, sans-serif';
    for (const mark of options.marks || []) {
      const x = scales.x.getPixelForValue(mark.x);
      ctx.beginPath(); ctx.moveTo(x, area.top); ctx.lineTo(x, area.bottom); ctx.stroke();
      ctx.textAlign = x > (area.left + area.right) / 2 ? 'right' : 'left';
      ctx.fillText(mark.name, x, area.top - 5);
    }
    ctx.restore();
  }
};

function axis(name, log) {
  const ticks = {color: colour('soft'), maxRotation: 0, autoSkipPadding: 14, callback: value => shortNumber(value)};
  if (log) ticks.autoSkip = false;
  // On a logarithmic axis 1, 2, 5 of each power of ten, or of so many powers that there is room for, the powers alone.
  const choose = scale => {
    const decades = Math.log10(scale.max / scale.min), apart = Math.ceil(decades / 8), chosen = [];
    for (let power = Math.floor(Math.log10(scale.min)); power <= Math.log10(scale.max); ++power)
      for (const digit of decades < 3 ? [1, 2, 5] : [1]) {
        const value = digit * 10 ** power;
        if (value >= scale.min && value <= scale.max && power % apart === 0) chosen.push({value});
      }
    if (chosen.length > 1) scale.ticks = chosen;
  };
  return {type: log ? 'logarithmic' : 'linear', ...(log ? {afterBuildTicks: choose} : {}), title: {display: name !== '', text: name, color: colour('soft')}, ticks,
    grid: {color: colour('grid'), borderColor: colour('edge')}};
}

// The one height at which all points lie, or null: without more an axis would be from -1 to 1 around it, and 0.001 look like 0.
function flatHeight(heights) {
  const there = heights.filter(Number.isFinite);
  return there.length && there.every(height => height === there[0]) ? there[0] : null;
}

function chartOptions(view, log) {
  const x = axis(view.x_name, false), names = view.labels && view.labels.length ? view.labels : null;
  const all = view.lines.flatMap(line => line.x);
  if (all.length > 1) { x.min = Math.min(...all); x.max = Math.max(...all); }
  const y = axis(view.y_name, log), level = flatHeight(view.lines.filter(line => !line.right).flatMap(line => line.y));
  if (level) { y.suggestedMin = Math.min(0, 1.25 * level); y.suggestedMax = Math.max(0, 1.25 * level); }
  if (all.every(Number.isInteger)) x.ticks.precision = 0;
  if (names) x.ticks = {...x.ticks, stepSize: 1, maxRotation: 90, autoSkipPadding: 1, callback: value => names[value] === undefined ? '' : visible(names[value])};
  return {
    animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
    layout: {padding: {top: view.marks.length ? 18 : 0}},
    interaction: {mode: 'nearest', axis: 'x', intersect: false},
    scales: view.lines.some(line => line.right) ? {x, y, right: {...axis('', false), position: 'right', grid: {display: false}}}
      : {x, y},
    plugins: {
      legend: {display: view.lines.length > 1, position: 'bottom', reverse: true,
        labels: {color: colour('ink'), boxWidth: 28, boxHeight: 0, filter: item => item.text !== ''}},
      tooltip: {filter: item => item.dataset.label !== '', callbacks: {
        title: items => items.length ? (view.x_name || 'x') + (names ? ': ' + visible(names[items[0].parsed.x] || '') : ' ' + shortNumber(items[0].parsed.x)) : '',
        label: item => item.dataset.label + ': ' + shortNumber(item.parsed.y)}},
      marks: {marks: view.marks}
    }
  };
}

// What a line does, in numbers: the text beside the picture.
function lineSummary(line) {
  const there = line.y.filter(y => y !== null && isFinite(y));
  if (!there.length) return [line.name, '–', '–', '–', '–'];
  return [line.name, there[0], there[there.length - 1], Math.min(...there), Math.max(...there)]
    .map((value, n) => n === 0 ? value : shortNumber(value));
}

function drawLines(view, box) {
  const rows = view.lines.map(lineSummary);
  const spoken = view.title + '. ' + rows.slice(0, 12).map(r => `${r[0]}: from ${r[1]} to ${r[2]}, least ${r[3]}, greatest ${r[4]}`).join('; ');
  if (typeof Chart === 'undefined') {
    const svg = new DOMParser().parseFromString(view.svg || '', 'image/svg+xml').documentElement;
    if (svg.nodeName !== 'svg') throw new Error('no picture');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', spoken);
    box.append(element('div', {className: 'scroll', tabIndex: 0, role: 'group', 'aria-label': view.title}, document.importNode(svg, true)));
  } else {
    let log = Boolean(view.log_y), smoothing = view.smooth ? 0.6 : 0;
    const canvas = element('canvas', {role: 'img', 'aria-label': spoken});
    const positive = view.lines.every(line => line.y.every(y => y === null || y > 0));
    const controls = element('div', {className: 'controls'});
    const chart = new Chart(canvas, {type: 'line', data: {datasets: datasets(view, smoothing, log)}, options: chartOptions(view, log), plugins: [marksPlugin]});
    const redraw = () => {
      chart.data.datasets = datasets(view, smoothing, log);
      chart.options = chartOptions(view, log);
      chart.update();
    };
    charts.push(redraw);
    if (positive && !view.plain) {
      const button = element('button', {type: 'button', className: 'log', 'aria-pressed': String(log)}, 'log scale');
      button.onclick = () => { log = !log; button.setAttribute('aria-pressed', String(log)); redraw(); };
      controls.append(button);
    }
    if (view.smooth) {
      const shown = element('output', {}, smoothing.toFixed(2));
      const slider = element('input', {type: 'range', className: 'smoothing', min: 0, max: 0.98, step: 0.02, value: smoothing});
      slider.oninput = () => { smoothing = Number(slider.value); shown.textContent = smoothing.toFixed(2); redraw(); };
      controls.append(element('label', {}, 'smoothing', slider, shown));
    }
    if (controls.childNodes.length) box.append(controls);
    box.append(element('div', {className: 'plot'}, canvas));
    box.redraw = redraw;
  }
  if (!view.plain)
    box.append(element('details', {}, element('summary', {}, 'in numbers'), table(['line', 'first', 'last', 'least', 'greatest'], rows)));
}
