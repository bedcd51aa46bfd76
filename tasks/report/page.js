// The page: everything that it shows is text or numbers of the element "data", put in as text, never as HTML.

const data = JSON.parse(document.getElementById('data').textContent);
const resized = [];  // to be drawn again when the width changes

function element(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties))
    if (key in made && key !== 'role') made[key] = value; else made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shortNumber(value) {
  if (typeof value !== 'number') return value === null || value === undefined ? '–' : String(value);
  if (!isFinite(value)) return '–';
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(2).replace(/\.?0+e/, 'e');
  return String(Number(value.toPrecision(4)));
}

// Characters that show nothing by themselves; blanks between words are left.
function visible(text) {
  const seen = text.replace(/\n/g, '⏎').replace(/\t/g, '⇥');
  return text.trim() === '' ? seen.replace(/ /g, '␣') : seen;
}

function words(name) { return name.replace(/_/g, ' '); }

function duration(seconds) {
  if (seconds < 60) return `${Number(seconds.toPrecision(2))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function table(head, rows, valueClass) {
  const cells = (row, kind) => element('tr', {}, ...row.map((text, n) => element(kind, {className: n > 0 ? valueClass || '' : ''}, shortNumber(text))));
  return element('div', {className: 'scroll', tabIndex: 0, role: 'group', 'aria-label': 'table'},
    element('table', {}, element('thead', {}, cells(head, 'th')), element('tbody', {}, ...rows.map(row => cells(row, 'td')))));
}

function drawTexts(view, box) {
  box.append(element('div', {className: 'texts'}, ...view.texts.map(text =>
    element('div', {}, element('h4', {}, text.caption), element('pre', {tabIndex: 0}, text.text)))));
}

// Above the text that was read, below what was held likely at each place, the surer the more strongly coloured.
function drawCharacters(view, box) {
  const percent = p => Math.round(100 * p) + ' %';
  const list = element('ol', {className: 'characters'});
  for (const one of view.characters) {
    const tell = one.candidates.map(([c, p]) => `${visible(c)} ${percent(p)}`).join(', ');
    const item = element('li', {title: `${visible(one.character)} had ${percent(one.probability)}; likeliest: ${tell}`}, element('span', {className: 'read'}, visible(one.character)));
    for (const [character, probability] of one.candidates) {
      const candidate = element('span', {className: character === one.character ? 'candidate right' : 'candidate'}, visible(character));
      candidate.style.background = `rgba(224, 120, 20, ${(0.85 * probability).toFixed(2)})`;
      item.append(candidate);
    }
    list.append(item);
  }
  const mean = view.characters.reduce((sum, one) => sum + one.probability, 0) / view.characters.length;
  const first = view.characters.filter(one => one.candidates.length && one.candidates[0][0] === one.character).length;
  box.append(element('p', {className: 'look'}, `Right at the first guess: ${percent(first / view.characters.length)}. The right character had ${percent(mean)} on average.`), list);
}

const draw = {
  'lines': drawLines, 'heat map': drawHeatMap, 'gates': drawGates, 'images': drawImages, 'texts': drawTexts, 'characters': drawCharacters,
  'table': (view, box) => box.append(table(view.head, view.rows))
};

const wideKinds = ['gates', 'texts', 'characters', 'images'];
function isWide(view) { return view.wide || wideKinds.includes(view.kind) || (view.kind === 'lines' && view.lines.some(line => line.x.length > 500)); }

function picture(view) {
  const wide = isWide(view);
  const box = element('section', {className: wide ? 'picture wide' : 'picture'});
  box.append(element('h3', {}, view.title), element('p', {className: 'look'}, view.look_for));
  return box;
}

function showHead() {
  const head = document.getElementById('head'), facts = element('p', {className: 'facts'});
  head.append(element('h1', {}, data.name), element('p', {className: 'about'}, data.about));
  const [state, badge] = data.failure ? ['the loss exploded', 'badge failed']
    : data.not_better_than ? ['not better than ' + data.not_better_than, 'badge stopped'] : data.done ? ['done', 'badge']
    : [data.running ? 'still running' : 'stopped before its end', 'badge stopped'];
  facts.append(element('span', {className: badge}, state), ' ');
  for (const fact of data.facts) facts.append(element('span', {}, fact));
  if (data.seconds !== null) facts.append(element('span', {}, duration(data.seconds)));
  head.append(facts);
  if (data.failure) head.append(element('p', {className: 'failure'}, data.failure));
  if (data.metrics.length)
    head.append(element('dl', {className: 'cards'}, ...data.metrics.map(([name, value, meaning]) =>
      element('div', {}, element('dt', {}, words(name)), element('dd', {}, shortNumber(value)),
        ...(meaning ? [element('dd', {className: 'meaning'}, meaning)] : [])))));
  if (data.warnings.length)
    head.append(element('p', {className: 'facts'}, 'It was warned:'), element('ul', {className: 'warnings'}, ...data.warnings.map(text => element('li', {}, text))));
  if (data.go_on) head.append(element('p', {className: 'facts'}, 'To go on:'), element('pre', {className: 'command'}, data.go_on));
  if (data.commands.length)
    head.append(element('p', {className: 'facts'}, data.commands.length > 1 ? 'The same again, one after the other, all but the first with --resume of the folder:' : 'The same again:'),
      element('pre', {className: 'command'}, data.commands.join('\n')));
}

function showSections() {
  const main = document.getElementById('main'), contents = document.getElementById('contents');
  data.sections.forEach((section, n) => {
    const id = 'section' + n, pictures = element('div', {className: 'pictures'});
    contents.append(element('a', {href: '#' + id}, section.title));
    main.append(element('h2', {id}, section.title), pictures);
    let alone = null;  // a picture at the left with nothing at its right: it may be wide
    for (const view of section.views) {
      const wide = isWide(view);
      if (wide && alone) alone.wide = true;
      alone = wide || alone ? null : view;
    }
    if (alone) alone.wide = true;
    for (const view of section.views) {
      const box = picture(view);
      pictures.append(box);
      try {
        draw[view.kind](view, box);
      } catch (error) {
        box.append(element('p', {className: 'empty'}, 'This picture could not be drawn: ' + error.message));
        console.error(error);
      }
    }
  });
  if (!data.sections.length) main.append(element('p', {className: 'empty'}, 'There is nothing to draw yet: no step was noted.'));
}

function startTheme() {
  const root = document.documentElement, button = document.getElementById('theme'), system = matchMedia('(prefers-color-scheme: dark)');
  const set = dark => {
    root.dataset.theme = dark ? 'dark' : 'light';
    button.setAttribute('aria-pressed', String(dark));
    charts.forEach(again => again());
  };
  let chosen = false;
  set(system.matches);
  system.addEventListener('change', () => { if (!chosen) set(system.matches); });
  button.onclick = () => { chosen = true; set(root.dataset.theme !== 'dark'); };
}

let width = window.innerWidth, waiting = 0;
window.addEventListener('resize', () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(() => resized.forEach(again => again()), 100);
});

startTheme();
showHead();
showSections();
