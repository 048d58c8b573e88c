// Line plots as SVG.
import {h, svg, setText, number} from './dom.js';

const W = 360, H = 150, LEFT = 44, BOTTOM = 22, TOP = 8, RIGHT = 8;

// Ticks at round numbers; at powers of ten, and what is between if those are few.
function ticks(low, high) {
  const rough = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= rough);
  const first = Math.ceil(low / step) * step;
  return Array.from({length: 12}, (_, i) => first + i * step).filter(v => v <= high + step / 1e6);
}

// One quantity over the steps.
export class Plot {
  constructor(title, unit) {
    this.title = title;
    this.unit = unit;
    this.drawing = svg('svg', {viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': title});
    this.caption = h('figcaption', {}, title);
    this.latest = h('output', {});
    this.caption.append(' ', this.latest);
    this.latest.setAttribute('aria-live', 'off');
    this.element = h('figure', {class: 'plot', hidden: true}, this.caption);
    this.element.append(this.drawing);
  }

  // points: [[step, value], ...] in the order of steps.
  draw(points, numSteps) {
    this.element.hidden = points.length === 0;
    if (points.length === 0) return;
    const values = points.map(point => point[1]);
    const last = values[values.length - 1];
    setText(this.latest, `${number(last)} ${this.unit}`.trim());
    this.drawing.setAttribute('aria-label',
      `${this.title} over ${points.length} steps, from ${number(values[0])} to ${number(last)}`);
    let low = Math.min(...values), high = Math.max(...values);
    if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
    const x = step => LEFT + (W - LEFT - RIGHT) * step / Math.max(1, numSteps);
    const y = value => TOP + (H - TOP - BOTTOM) * (high - value) / (high - low);
    const marks = [];
    for (const tick of ticks(low, high)) {
      marks.push(svg('line', {class: 'grid', x1: LEFT, x2: W - RIGHT, y1: y(tick), y2: y(tick)}),
        svg('text', {class: 'tick', x: LEFT - 6, y: y(tick) + 3, 'text-anchor': 'end'}, number(tick)));
    }
    for (const tick of ticks(0, Math.max(1, numSteps))) {
      const anchor = tick > 0.95 * numSteps ? 'end' : 'middle';
      marks.push(svg('text', {class: 'tick', x: x(tick), y: H - 6, 'text-anchor': anchor}, number(tick)));
    }
    const path = points.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    this.drawing.replaceChildren(...marks,
      svg('polyline', {class: 'line', points: path.join(' ')}),
      svg('circle', {class: 'dot', cx: x(points[points.length - 1][0]), cy: y(last), r: 2.5}));
  }
}
