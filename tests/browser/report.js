// node report.js CHROMIUM REPORT.html FOLDER: opens a report as a reader would, by mouse-less keyboard, on a screen and on a phone, in
// light and in dark. A line for each check that fails; the last line counts them. Screenshots go to FOLDER. NODE_PATH holds playwright-core.
'use strict';
const path = require('path');
const {pathToFileURL} = require('url');
const {chromium} = require('playwright-core');

const [executablePath, file, folder] = process.argv.slice(2);
const url = pathToFileURL(path.resolve(file)).href;
let passed = 0, failed = 0;
function check(name, good, more) {
  if (good) { ++passed; return; }
  ++failed;
  console.log(`FAILED: ${path.basename(path.dirname(path.resolve(file)))}: ${name}${more === undefined ? '' : ': ' + JSON.stringify(more)}`);
}

// A page that notes what it says and asks for.
async function open(browser, options) {
  const context = await browser.newContext(options), page = await context.newPage(), said = [], asked = [];
  page.on('console', message => {  // of reading pixels, which only this test does, the browser warns
    if (['error', 'warning'].includes(message.type()) && !message.text().includes('willReadFrequently')) said.push(message.text());
  });
  page.on('pageerror', error => said.push(error.message));
  page.on('request', request => { if (request.url() !== url && !request.url().startsWith('data:')) asked.push(request.url()); });
  await page.goto(url);
  return {context, page, said, asked};
}

// Names of pictures that are one colour all over, or say nothing to those who do not see them.
const emptyPictures = () => [...document.querySelectorAll('canvas:not([aria-hidden])')].filter(canvas => {
  if (!canvas.width || !canvas.height) return true;
  const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  return pixels.every(pixel => pixel === pixels[0]);
}).map(canvas => canvas.getAttribute('aria-label'));
const unspoken = () => [...document.querySelectorAll('canvas:not([aria-hidden]), svg')]
  .filter(picture => picture.getAttribute('role') !== 'img' || !picture.getAttribute('aria-label')).length;
const drawing = () => [...document.querySelectorAll('.plot canvas')].map(canvas => canvas.toDataURL()).join();
const focused = () => {
  const at = document.activeElement, style = getComputedStyle(at);
  return {name: at.id || at.className || at.tagName, outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0};
};

// Tab by tab to the first element of that class; whether each on the way shows that it has the focus.
async function tabTo(page, name) {
  let outlined = true;
  for (let n = 0; n < 60; ++n) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(focused);
    outlined = outlined && at.outlined;
    if (at.name.split(' ').includes(name)) return {found: true, outlined};
  }
  return {found: false, outlined};
}

async function onScreen(browser) {
  const {context, page, said, asked} = await open(browser, {viewport: {width: 1280, height: 900}, colorScheme: 'light'});
  check('has a title', (await page.title()).length > 0);
  check('has pictures', await page.locator('.picture').count() > 0);
  check('every picture has a title and a sentence', await page.evaluate(() =>
    [...document.querySelectorAll('.picture')].every(p => p.querySelector('h3').textContent && p.querySelector('.look').textContent)));
  check('every picture is drawn', await page.getByText('could not be drawn').count() === 0);
  check('no picture is empty', (await page.evaluate(emptyPictures)).length === 0, await page.evaluate(emptyPictures));
  check('every picture says in words what it shows', await page.evaluate(unspoken) === 0);
  await page.screenshot({path: path.join(folder, 'light.png'), fullPage: true});

  check('has curves', await page.locator('.plot canvas, svg').count() > 0);
  if (await page.locator('.log').count()) {
    const button = await tabTo(page, 'log');
    check('Tab reaches the button of the scale', button.found);
    check('what has the focus shows it', button.outlined);
    let before = await page.evaluate(drawing);
    const pressed = await page.locator('.log').first().getAttribute('aria-pressed');
    await page.keyboard.press('Enter');
    check('Enter changes the scale', await page.locator('.log').first().getAttribute('aria-pressed') !== pressed && await page.evaluate(drawing) !== before);
    check('Tab goes on to the slider', (await tabTo(page, 'smoothing')).found);
    before = await page.evaluate(drawing);
    const value = await page.locator('.smoothing').first().inputValue();
    for (let n = 0; n < 8; ++n) await page.keyboard.press('ArrowRight');
    check('arrows move the slider', await page.locator('.smoothing').first().inputValue() > value);
    if (await page.evaluate(() => data.sections[0].views[0].lines[0].x.length > 50))
      check('and the curve with it', await page.evaluate(drawing) !== before);
  }
  if (await page.locator('.unit').count()) {
    const unit = page.locator('.unit').first();
    await unit.focus();
    const before = await page.evaluate(drawing);
    await page.keyboard.press('End');
    check('the slider over units ends at the last one', await unit.inputValue() === await unit.getAttribute('max'));
    if (Number(await unit.getAttribute('max')) > 1 && await page.locator('.plot').count()) check('another unit is another curve', await page.evaluate(drawing) !== before);
  }
  await page.locator('#theme').focus();
  await page.keyboard.press('Space');
  check('a button makes it dark', await page.evaluate(() => document.documentElement.dataset.theme) === 'dark');
  check('no error in the console', said.length === 0, said);
  check('nothing is loaded', asked.length === 0, asked);
  await context.close();
}

async function inTheDark(browser) {
  const {context, page, said} = await open(browser, {viewport: {width: 1280, height: 900}, colorScheme: 'dark'});
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
  check('is dark where the system is', paper.every(part => part < 60), paper);
  check('no picture is empty in the dark', (await page.evaluate(emptyPictures)).length === 0);
  check('no error in the dark', said.length === 0, said);
  await page.screenshot({path: path.join(folder, 'dark.png'), fullPage: true});
  await context.close();
}

async function onAPhone(browser) {
  const {context, page, said} = await open(browser, {viewport: {width: 375, height: 740}, deviceScaleFactor: 2, isMobile: true, hasTouch: true});
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  check('a phone scrolls up and down only', wide <= 375, wide);
  check('letters are large enough for a phone', await page.evaluate(() =>
    [...document.querySelectorAll('p, td, dd, button, summary, figcaption, li')].every(e => parseFloat(getComputedStyle(e).fontSize) >= 13)));
  check('no picture is empty on a phone', (await page.evaluate(emptyPictures)).length === 0, await page.evaluate(emptyPictures));
  check('no error on a phone', said.length === 0, said);
  await page.screenshot({path: path.join(folder, 'phone.png'), fullPage: true});
  await context.close();
}

(async () => {
  const browser = await chromium.launch({executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage']});
  try {
    await onScreen(browser);
    await inTheDark(browser);
    await onAPhone(browser);
  } finally {
    await browser.close();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
})().catch(error => { console.log(`FAILED: ${error.message}`); console.log(`${passed} passed, ${failed + 1} failed`); process.exitCode = 1; });
