// Which page is shown, who calls, and whether there is a connection.
import {start, setToken} from './api.js';
import {setText} from './dom.js';
import {JobsPage} from './jobs.js';
import {JobPage} from './job.js';
import {NewJobPage} from './submit.js';
import {ServerPage} from './server.js';

const main = document.getElementById('main');
const dialog = document.getElementById('token');
const link = document.getElementById('link');
const LINK = {live: 'Live', connecting: 'Connecting', away: 'Not connected; trying again'};
let page = null;
let isTokenGiven = false;

function askToken(why) {
  const input = document.getElementById('token-text');
  setText(document.getElementById('token-why'), why);
  input.value = '';
  isTokenGiven = false;
  if (!dialog.open) dialog.showModal();
  input.focus();
  return new Promise(given => {
    document.getElementById('token-form').onsubmit = event => {
      event.preventDefault();
      setToken(input.value.trim());
      isTokenGiven = true;
      dialog.close();
      given();
    };
  });
}
// Without a token there is nothing behind it. The second Esc in a row closes it all the same.
dialog.addEventListener('cancel', event => event.preventDefault());
dialog.addEventListener('close', () => {
  if (!isTokenGiven && !dialog.open) dialog.showModal();
});

function onLink(state) {
  link.dataset.state = state;
  setText(link, LINK[state]);
}

// What is no escape stands for itself: no job has such a name.
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function makePage(parts) {
  if (parts[0] === 'jobs' && parts[1]) return new JobPage(main, decode(parts[1]));
  if (parts[0] === 'new') return new NewJobPage(main);
  if (parts[0] === 'server') return new ServerPage(main);
  return new JobsPage(main);
}

function show(focus) {
  page?.close();
  main.replaceChildren();
  const parts = location.hash.replace(/^#\/?/, '').split('/');
  page = makePage(parts);
  document.title = `${page.title} - tweedie`;
  const current = ['new', 'server'].includes(parts[0]) ? parts[0] : 'jobs';
  for (const item of document.querySelectorAll('nav a')) {
    item.toggleAttribute('aria-current', false);
    if (item.dataset.page === current) item.setAttribute('aria-current', 'page');
  }
  link.hidden = current !== 'jobs';
  if (focus) main.querySelector('h1')?.focus();
}

document.querySelector('.skip').addEventListener('click', event => {
  event.preventDefault();
  main.focus();
});
start({askToken, onLink});
addEventListener('hashchange', () => show(true));
show(false);
