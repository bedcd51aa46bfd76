// Fields of colours, gates over a sample, images: bytes on a canvas. Pictures have the same colours: tasks/drawing/colours.cpp.

function bytesOf(text) { return Uint8Array.from(atob(text), c => c.charCodeAt(0)); }

// Colours from dark to bright, told apart without seeing red from green: viridis, at seven places. Smith & van der Walt 2015.
const oneSided = [[68, 1, 84], [65, 68, 135], [42, 120, 142], [34, 168, 132], [122, 209, 81], [189, 223, 38], [253, 231, 37]];
// From blue by the paper to orange, for numbers below and above 0.
function twoSided() { return document.documentElement.dataset.theme === 'dark' ? [[86, 180, 233], [36, 72, 96], [26, 29, 33], [104, 66, 16], [255, 176, 46]]
  : [[0, 90, 160], [120, 178, 220], [255, 255, 255], [240, 170, 110], [200, 80, 0]]; }

function colourTable(low, high) {
  const stops = low < 0 && Math.abs(low + high) < 1e-9 ? twoSided() : oneSided, out = [];
  for (let n = 0; n < 256; ++n) {
    const at = n / 255 * (stops.length - 1), k = Math.min(Math.floor(at), stops.length - 2);
    out.push(stops[k].map((c, i) => Math.round(c + (at - k) * (stops[k + 1][i] - c))));
  }
  return out;
}

function inkOn([r, g, b]) { return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? '#111111' : '#f5f5f5'; }

// A canvas as sharp as the screen.
function sharp(canvas, width, height) {
  const ratio = Math.min(3, window.devicePixelRatio || 1), context = canvas.getContext('2d');
  canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
  canvas.style.width = width + 'px'; canvas.style.height = height + 'px';
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

// Bytes [height][width] as a field of the context, each `cw` by `ch` large.
function paint(context, bytes, width, height, colours, left, top, cw, ch) {
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) {
      const c = colours[bytes[y * width + x]];
      context.fillStyle = `rgb(${c[0]},${c[1]},${c[2]})`;
      const x0 = Math.round(left + x * cw), y0 = Math.round(top + y * ch);
      context.fillRect(x0, y0, Math.round(left + (x + 1) * cw) - x0, Math.round(top + (y + 1) * ch) - y0);
    }
}

// `less`, `more`: there are numbers below, above.
function colourKey(low, high, less = false, more = false) {
  const bar = element('canvas', {width: 128, height: 12, 'aria-hidden': 'true'});
  const box = element('p', {className: 'key'}, (less ? '≤ ' : '') + shortNumber(low), bar, (more ? '≥ ' : '') + shortNumber(high));
  const draw = () => paint(bar.getContext('2d'), Uint8Array.from({length: 128}, (_, i) => i * 2), 128, 1, colourTable(low, high), 0, 0, 1, 12);
  charts.push(draw); draw();
  return box;
}

function drawHeatMap(view, box) {
  const bytes = bytesOf(view.cells), {width, height} = view;
  const columns = view.columns || [], rows = view.rows || [], canvas = element('canvas', {className: 'field', role: 'img'});
  const value = (x, y) => view.numbers ? view.numbers[y * width + x] : view.low + bytes[y * width + x] / 255 * (view.high - view.low);
  let strongest = 0;
  bytes.forEach((b, i) => { if (b > bytes[strongest]) strongest = i; });
  const name = (labels, n, whole, count) => labels.length ? visible(labels[n]) : String(Math.floor(n * whole / count) + 1);
  const where = (x, y) => `${view.y_name || 'row'} ${name(rows, y, view.whole_height, height)}, ${view.x_name || 'column'} ${name(columns, x, view.whole_width, width)}`;
  canvas.setAttribute('aria-label', `${view.title}. ${height} rows by ${width} columns, from ${shortNumber(view.low)} to ${shortNumber(view.high)}; greatest at ${where(strongest % width, Math.floor(strongest / width))}`);
  const told = element('p', {className: 'told'});
  const holder = element('div', {className: 'scroll', tabIndex: 0, role: 'group', 'aria-label': view.title}, canvas);
  box.append(holder, colourKey(view.low, view.high), told);
  let layout = null;
  const draw = () => {
    const measure = canvas.getContext('2d');
    measure.font = '13px system-ui, sans-serif';
    const widest = Math.max(0, ...rows.map(label => measure.measureText(visible(label)).width));
    const left = rows.length ? Math.min(0.4 * holder.clientWidth, 10 + widest) + (view.y_name ? 22 : 0) : view.y_name ? 44 : 0;
    const room = Math.max(200, holder.clientWidth - left - 8);
    const least = view.numbers ? 27 : columns.length ? 11 : 1;
    const cw = Math.min(64, Math.max(least, room / width)), ch = Math.max(view.numbers || rows.length ? 20 : 2, Math.min(cw, 28, 520 / height));
    const deep = columns.some(label => visible(label).length * 8 > cw), bottom = columns.length ? (deep ? 12 + 7 * Math.min(14, Math.max(...columns.map(c => visible(c).length))) : 22) : 6;
    const top = view.x_name ? 24 : 4;
    const context = sharp(canvas, left + cw * width + 8, top + ch * height + bottom);
    layout = {left, top, cw, ch};
    const colours = colourTable(view.low, view.high);
    paint(context, bytes, width, height, colours, left, top, cw, ch);
    context.font = '13px system-ui, sans-serif';
    if (view.numbers) {
      context.font = (cw < 34 ? 11 : 13) + 'px system-ui, sans-serif';
      context.textAlign = 'center'; context.textBaseline = 'middle';
      for (let y = 0; y < height; ++y)
        for (let x = 0; x < width; ++x) {
          const number = view.numbers[y * width + x];
          if (!number) continue;
          context.fillStyle = inkOn(colours[bytes[y * width + x]]);
          context.fillText(shortNumber(number), left + (x + 0.5) * cw, top + (y + 0.5) * ch);
        }
    }
    context.font = '13px system-ui, sans-serif';
    context.fillStyle = colour('ink'); context.textBaseline = 'middle'; context.textAlign = 'right';
    const everyRow = Math.ceil(14 / ch);
    const labelRoom = left - 5 - (view.y_name ? 20 : 0);
    rows.forEach((label, y) => { if (y % everyRow === 0) context.fillText(visible(label), left - 5, top + (y + 0.5) * ch, labelRoom); });
    columns.forEach((label, x) => {
      context.save();
      context.translate(left + (x + 0.5) * cw, top + ch * height + 4);
      if (deep) { context.rotate(-Math.PI / 2); context.textAlign = 'right'; context.textBaseline = 'middle'; } else { context.textAlign = 'center'; context.textBaseline = 'top'; }
      context.fillText(visible(label).slice(0, 14), 0, 0);
      context.restore();
    });
    context.fillStyle = colour('soft'); context.textAlign = 'left'; context.textBaseline = 'top';
    if (view.x_name) context.fillText(view.x_name + ' →', left, 4);
    if (view.y_name) { context.save(); context.translate(3, top + ch * height); context.rotate(-Math.PI / 2); context.fillText('← ' + view.y_name, 0, 0); context.restore(); }
  };
  canvas.onpointermove = event => {
    const box = canvas.getBoundingClientRect(), x = Math.floor((event.clientX - box.left - layout.left) / layout.cw), y = Math.floor((event.clientY - box.top - layout.top) / layout.ch);
    told.textContent = x >= 0 && y >= 0 && x < width && y < height ? `${where(x, y)}: ${shortNumber(value(x, y))}` : '';
  };
  charts.push(draw); resized.push(draw); draw();
}

const gateNames = {i: 'input gate', f: 'forget gate', o: 'output gate', g: 'candidate', c: 'cell state', h: 'output', r: 'reset gate', z: 'update gate', n: 'candidate'};

function drawGates(view, box) {
  const places = [...new Set(view.maps.map(map => map.place))];
  let place = places[0], unit = 0;
  const controls = element('div', {className: 'controls'}), maps = element('div', {className: 'maps'}), line = element('div', {});
  const slider = element('input', {type: 'range', className: 'unit', min: 1, max: 1, step: 1, value: 1}), shown = element('output', {}, '1');
  if (places.length > 1) {
    const choice = element('select', {}, ...places.map(name => element('option', {value: name}, name)));
    choice.onchange = () => { place = choice.value; build(); };
    controls.append(element('label', {}, 'where', choice));
  }
  controls.append(element('label', {}, 'unit', slider, shown));
  box.append(controls, maps, line);
  let drawn = [];
  slider.oninput = () => { unit = Number(slider.value) - 1; shown.textContent = slider.value; drawn.forEach(draw => draw()); showUnit(); };
  charts.push(() => drawn.forEach(draw => draw())); resized.push(() => drawn.forEach(draw => draw()));

  function showUnit() {
    if (typeof Chart === 'undefined') return;
    const steps = view.input.length, x = Array.from({length: steps}, (_, t) => t);
    const here = view.maps.filter(map => map.place === place);
    const lines = here.map((map, n) => {
      const bytes = bytesOf(map.cells);
      const right = map.high > 2;  // a cell state may be far larger than what gates are
      return {colour: here.length === 1 ? 1 : n, name: right ? map.name + ' (scale at the right)' : map.name, right, dashed: map.low < 0, x, y: x.map(t => map.low + bytes[t * map.units + unit] / 255 * (map.high - map.low))};
    });
    const cut = here.filter(map => map.least < map.low || map.greatest > map.high).map(map => `${map.name} beyond ±${shortNumber(map.high)}`);
    line.replaceChildren(element('h4', {}, `Unit ${unit + 1} alone`), ...(cut.length ? [element('p', {className: 'look'}, `Drawn at the edge: ${cut.join(', ')}.`)] : []));
    drawLines({title: `Unit ${unit + 1} over the sample`, x_name: '', y_name: '', lines, marks: [], labels: view.input, plain: true}, line);
  }

  function build() {
    const here = view.maps.filter(map => map.place === place);
    const units = Math.max(...here.map(map => map.units));
    unit = Math.min(unit, units - 1);
    slider.max = units; slider.value = unit + 1; shown.textContent = unit + 1;
    slider.setAttribute('aria-label', `unit, 1 to ${units}`);
    maps.replaceChildren();
    drawn = here.map(map => drawGate(view, map, maps, () => unit));
    showUnit();
  }
  build();
}

// One gate: steps from left to right, units from top to bottom, names of the steps underneath.
function drawGate(view, map, maps, chosen) {
  const steps = view.input.length, bytes = bytesOf(map.cells), canvas = element('canvas', {className: 'field', role: 'img'});
  const turned = new Uint8Array(steps * map.units);
  for (let t = 0; t < steps; ++t) for (let u = 0; u < map.units; ++u) turned[u * steps + t] = bytes[t * map.units + u];
  const percent = share => Math.round(100 * share) + ' %', two = number => shortNumber(Number(Number(number).toPrecision(2)));
  const saturation = 'iforz'.includes(map.name) ? `${percent(map.below)} of it closed (below 0.1), ${percent(map.above)} open (above 0.9)`
    : map.low === 0 ? `${percent(bytes.filter(byte => byte === 0).length / bytes.length)} of it at 0, up to ${two(map.greatest)}`
    : map.high > 1 ? `from ${two(map.least)} to ${two(map.greatest)}`
    : `${percent(map.below + map.above)} of it saturated (beyond ±0.9)`;
  canvas.setAttribute('aria-label', `${map.name}, ${gateNames[map.name] || ''}: ${map.units} units over ${steps} steps; ${saturation}`);
  const holder = element('div', {className: 'scroll', tabIndex: 0, role: 'group', 'aria-label': `${map.name} over the sample`}, canvas);
  const title = gateNames[map.name] ? `${map.name}, the ${gateNames[map.name]}` : map.name;
  maps.append(element('div', {}, element('h4', {}, title + (map.all_units > map.units ? ` (the first ${map.units} of ${map.all_units} units)` : '')),
    element('p', {}, saturation), holder, colourKey(map.low, map.high, map.least < map.low, map.greatest > map.high)));
  const words = view.input.map(visible), longest = Math.max(1, ...words.map(word => word.length));
  let layout = null;
  canvas.onpointermove = event => {
    const box = canvas.getBoundingClientRect(), t = Math.floor((event.clientX - box.left - layout.gutter) / layout.cw), u = Math.floor((event.clientY - box.top - layout.edge) / layout.ch);
    if (t >= 0 && u >= 0 && t < steps && u < map.units) canvas.title = `unit ${u + 1}, step ${t + 1} (${words[t]}): ${shortNumber(Number((map.low + bytes[t * map.units + u] / 255 * (map.high - map.low)).toPrecision(2)))}`;
  };
  const draw = () => {
    const gutter = 9, edge = 5;  // room for the arrowheads
    const cw = Math.max(longest > 1 ? 4 : 9, ((holder.clientWidth || 400) - 2 * gutter) / steps), ch = Math.max(1, Math.min(14, 190 / map.units));
    const fits = cw >= 8.5 * longest, upright = !fits && cw >= 9.5;  // names beside each other, or each upright, or only some of them
    const bottom = 2 * edge + ch * map.units, whole = cw * steps + 2 * gutter, context = sharp(canvas, whole, bottom + (upright ? 8 * Math.min(longest, 8) + 4 : 18));
    layout = {gutter, edge, cw, ch};
    paint(context, turned, steps, map.units, colourTable(map.low, map.high), gutter, edge, cw, ch);
    context.fillStyle = colour('ink');
    const row = edge + (chosen() + 0.5) * ch;  // between two arrowheads, which hide nothing of it
    for (const [from, tip] of [[0, gutter - 2], [cw * steps + 2 * gutter, gutter + 2 + cw * steps]]) {
      context.beginPath(); context.moveTo(from, row - edge); context.lineTo(tip, row); context.lineTo(from, row + edge); context.fill();
    }
    context.textBaseline = 'top'; context.font = '13px ui-monospace, "DejaVu Sans Mono", monospace';
    const every = fits || upright ? 1 : Math.ceil(8.5 * (longest + 1) / cw);
    words.forEach((word, t) => {
      if (t % every) return;
      const x = gutter + (t + 0.5) * cw;
      context.save();
      if (upright) {
        context.translate(x, bottom); context.rotate(-Math.PI / 2);
        context.textAlign = 'right'; context.textBaseline = 'middle'; context.font = '11px ui-monospace, "DejaVu Sans Mono", monospace';
        context.fillText(word.slice(0, 8), 0, 0);
      } else {
        const half = context.measureText(word).width / 2;
        context.textAlign = 'center';
        context.fillText(word, Math.max(half, Math.min(whole - half, x)), bottom);
      }
      context.restore();
    });
  };
  draw();
  return draw;
}

function drawImages(view, box) {
  const list = element('div', {className: 'images'});
  for (const image of view.images) {
    const bytes = bytesOf(image.pixels), canvas = element('canvas', {width: image.width, height: image.height, role: 'img', 'aria-label': image.caption});
    const context = canvas.getContext('2d'), pixels = context.createImageData(image.width, image.height);
    bytes.forEach((b, i) => pixels.data.set([b, b, b, 255], 4 * i));
    context.putImageData(pixels, 0, 0);
    const times = Math.max(1, Math.min(4, Math.floor(96 / image.height), Math.floor(350 / image.width)));
    canvas.style.width = image.width * times + 'px';
    list.append(element('figure', {}, canvas, element('figcaption', {}, image.caption)));
  }
  box.append(list);
}
