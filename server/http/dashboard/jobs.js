// All jobs, live: of ten thousand only the rows in sight are in the page.
import {Watch} from './api.js';
import {h, setText, idOf, taskOf, stateOf, timeOf, progressOf} from './dom.js';

const STATES = ['running', 'queued', 'succeeded', 'failed', 'cancelled'];
const SPARE_ROWS = 6;
const COLUMNS = ['Job', 'State', 'Task', 'Model', 'Progress', 'Creator', 'Created'];

// One row, which is kept as long as its job is in sight.
class Row {
  constructor(name) {
    this.link = h('a', {href: `#/jobs/${encodeURIComponent(idOf(name))}`}, idOf(name));
    this.state = h('span', {class: 'badge'});
    this.bar = h('span', {class: 'bar', 'aria-hidden': 'true'}, h('span', {}));
    this.progress = h('span', {class: 'words'});
    this.cells = COLUMNS.map(title => h('span', {role: 'cell', class: `c-${title.toLowerCase()}`}));
    this.cells[0].append(this.link);
    this.cells[1].append(this.state);
    this.cells[4].append(this.bar, this.progress);
    this.element = h('div', {role: 'row', class: 'row'}, this.cells);
  }
  show(job, index, height) {
    this.element.style.transform = `translateY(${index * height}px)`;
    this.element.setAttribute('aria-rowindex', index + 2);
    if (this.job === job) return;
    this.job = job;
    setText(this.state, stateOf(job));
    this.state.className = `badge ${stateOf(job)}`;
    setText(this.cells[2], taskOf(job));
    setText(this.cells[3], idOf(job.model ?? ''));
    const {done, short} = progressOf(job);
    this.bar.firstChild.style.width = `${(100 * done).toFixed(1)}%`;
    setText(this.progress, short);
    setText(this.cells[5], job.creator ?? '');
    setText(this.cells[6], timeOf(job.create_time));
  }
}

export class JobsPage {
  title = 'Jobs';

  constructor(main) {
    this.jobs = new Map();    // name -> {job, time}
    this.shown = [];          // those that match, newest first
    this.rows = new Map();    // name -> Row, of those in sight
    this.wanted = new Set();  // states; empty: all
    this.text = '';
    this.build(main);
    this.watch = new Watch('events', {include_progress: true}, {
      onOpen: () => { this.before = new Set(this.jobs.keys()); },
      onEvents: events => this.take(events),
      onEnd: error => this.note(error?.message ?? 'The list has ended.'),
    });
    this.onResize = () => this.draw();
    addEventListener('resize', this.onResize);
  }
  close() {
    this.watch.close();
    removeEventListener('resize', this.onResize);
  }

  build(main) {
    this.filters = STATES.map(state => {
      const count = h('b', {}, '0');
      const button = h('button', {type: 'button', class: 'filter', 'aria-pressed': 'false',
        onclick: () => this.toggle(state)}, count, ` ${state}`);
      return {state, count, button};
    });
    const search = h('input', {type: 'search', id: 'search', placeholder: 'id, model, task, creator, label',
      autocomplete: 'off', oninput: event => { this.text = event.target.value.toLowerCase(); this.select(); }});
    this.status = h('p', {class: 'quiet', role: 'status'}, 'Loading jobs');
    const head = h('div', {role: 'row', class: 'row head', 'aria-rowindex': '1'},
      COLUMNS.map(title => h('span', {role: 'columnheader', class: `c-${title.toLowerCase()}`}, title)));
    this.space = h('div', {class: 'space', role: 'presentation'});
    this.scroller = h('div', {class: 'scroller', tabindex: '0', role: 'rowgroup', onscroll: () => this.draw()},
      this.space);
    this.table = h('div', {role: 'table', class: 'jobs', 'aria-label': 'Jobs, newest first'},
      h('div', {role: 'rowgroup'}, head), this.scroller);
    main.append(h('h1', {tabindex: '-1'}, 'Jobs'),
      h('div', {class: 'tools'},
        h('div', {class: 'filters', role: 'group', 'aria-label': 'States shown'}, this.filters.map(f => f.button)),
        h('label', {class: 'search', for: 'search'}, 'Find ', search)),
      this.status, this.table);
  }

  toggle(state) {
    if (!this.wanted.delete(state)) this.wanted.add(state);
    for (const filter of this.filters) filter.button.setAttribute('aria-pressed', this.wanted.has(filter.state));
    this.select();
  }

  note(text) { setText(this.status, text); }

  take(events) {
    for (const {job, deleted, listing_complete: complete} of events) {
      if (complete) {
        for (const name of this.before) this.jobs.delete(name);  // gone while nobody watched
        this.listed = true;
        continue;
      }
      if (!job) continue;
      this.before.delete(job.name);
      if (deleted) {
        this.jobs.delete(job.name);
      } else {
        this.jobs.set(job.name, {job, time: Date.parse(job.create_time)});
      }
    }
    this.later ??= setTimeout(() => { this.later = null; this.select(); }, 100);
  }

  matches(job) {
    if (this.wanted.size && !this.wanted.has(stateOf(job))) return false;
    if (!this.text) return true;
    const labels = Object.entries(job.labels ?? {}).map(([key, value]) => `${key}=${value}`);
    return [job.name, job.model, taskOf(job), job.creator, ...labels]
      .some(part => part?.toLowerCase().includes(this.text));
  }

  select() {
    const counts = {};
    const all = [...this.jobs.values()];
    for (const {job} of all) counts[stateOf(job)] = (counts[stateOf(job)] ?? 0) + 1;
    for (const {state, count} of this.filters) setText(count, String(counts[state] ?? 0));
    this.shown = all.filter(({job}) => this.matches(job)).sort((a, b) => b.time - a.time);
    this.table.setAttribute('aria-rowcount', this.shown.length + 1);
    this.table.hidden = this.shown.length === 0;
    const what = all.length === 0 ? 'No jobs yet.' : this.shown.length === 0 ? 'No job matches.' :
      this.shown.length === all.length ? `${all.length} jobs` : `${this.shown.length} of ${all.length} jobs`;
    this.note(this.listed ? what : 'Loading jobs');
    this.draw();
  }

  draw() {
    const height = parseFloat(getComputedStyle(this.table).getPropertyValue('--row'));
    this.space.style.height = `${this.shown.length * height}px`;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / height) - SPARE_ROWS);
    const count = Math.ceil(this.scroller.clientHeight / height) + 2 * SPARE_ROWS;
    const inSight = new Map();
    this.shown.slice(first, first + count).forEach(({job}, i) => {
      const row = this.rows.get(job.name) ?? new Row(job.name);
      row.show(job, first + i, height);
      inSight.set(job.name, row);
      if (!row.element.isConnected) this.space.append(row.element);
    });
    for (const [name, row] of this.rows) if (!inSight.has(name)) row.element.remove();
    this.rows = inSight;
  }
}
