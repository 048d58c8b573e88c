// Elements, and how values are written.

// h('p', {class: 'quiet', onclick: f}, 'text', child): an element. A value of null or
// false leaves an attribute out.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) set(element, key, value);
  element.append(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
}

function set(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key.startsWith('on')) {
    element.addEventListener(key.slice(2), value);
  } else {
    element.setAttribute(key, value === true ? '' : value);
  }
}

const SVG = 'http://www.w3.org/2000/svg';
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Changes what is shown only where it differs, so that nothing is read out twice.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const idOf = name => name.slice(name.indexOf('/') + 1);

const TASKS = ['sample', 'denoise', 'sdedit', 'ald', 'dps', 'ddnm', 'ddrm', 'pigdm', 'diffpir',
               'reddiff', 'repaint'];
export const taskOf = job => TASKS.find(task => task in job) ?? '';

const STATES = {QUEUED: 'queued', RUNNING: 'running', SUCCEEDED: 'succeeded', FAILED: 'failed',
                CANCELLED: 'cancelled'};
export const stateOf = job => STATES[job.state] ?? 'unknown';
export const hasEnded = job => ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(job.state);

export function badge(job) {
  return h('span', {class: `badge ${stateOf(job)}`}, stateOf(job));
}

export function timeOf(text) {
  if (!text) return '';
  const time = new Date(text);
  const today = new Date().toDateString() === time.toDateString();
  return today ? time.toLocaleTimeString() : time.toLocaleString();
}

// '83.2s', as JSON has durations.
export function durationOf(text) {
  if (!text) return '';
  const seconds = Math.round(parseFloat(text));
  if (seconds < 60) return `${seconds} s`;
  if (seconds >= 600 && seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
}

// Of a job, as a fraction, in words, and in few of them.
export function progressOf(job) {
  const {step = 0, num_steps: total = 0, remaining, queue_position: ahead} = job.progress ?? {};
  const done = job.state === 'SUCCEEDED' ? 1 : total > 0 ? step / total : 0;
  if (job.state === 'QUEUED') {
    const text = ahead === undefined ? 'next in the queue' : `${ahead} ahead in the queue`;
    return {done, text, short: ahead === undefined ? '' : `${ahead} ahead`};
  }
  const left = job.state === 'RUNNING' && remaining ? `, ${durationOf(remaining)} left` : '';
  if (total === 0) return {done, text: '', short: ''};
  return {done, text: `step ${step} of ${total}${left}`, short: `${step}/${total}${left}`};
}

export const number = value =>
  value === undefined ? '' : Number(value).toLocaleString(undefined, {maximumSignificantDigits: 4});
