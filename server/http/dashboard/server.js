// The server, those that share its queue, and its models.
import {get} from './api.js';
import {h, idOf, timeOf} from './dom.js';

function table(caption, columns, rows) {
  return h('div', {class: 'wide', tabindex: '0', role: 'region', 'aria-label': caption},
    h('table', {}, h('caption', {}, caption),
      h('thead', {}, h('tr', {}, columns.map(name => h('th', {scope: 'col'}, name)))),
      h('tbody', {}, rows.map(row => h('tr', {}, row.map((cell, i) =>
        h(i ? 'td' : 'th', i ? {} : {scope: 'row'}, String(cell ?? ''))))))));
}

const mebibytes = bytes => `${Math.round(Number(bytes ?? 0) / 1048576)} MiB`;

export class ServerPage {
  title = 'Server';
  constructor(main) {
    this.holder = h('div', {}, h('p', {class: 'quiet'}, 'Loading'));
    main.append(h('h1', {tabindex: '-1'}, 'Server'), this.holder);
    this.load();
    this.timer = setInterval(() => document.hidden || this.load(), 5000);
  }
  close() { clearInterval(this.timer); }

  async load() {
    try {
      const [info, models] = await Promise.all([get('server'), get('models?page_size=1000')]);
      this.show(info, models.models ?? []);
    } catch (error) {
      this.holder.replaceChildren(h('p', {class: 'problem', role: 'alert'}, error.message));
    }
  }

  show(info, models) {
    const text = JSON.stringify([info, models]);
    if (text === this.shown) return;
    this.shown = text;
    const facts = [['Version', info.version], ['LibTorch', info.libtorch_version], ['Queue', info.store],
      ['Results', info.strict_reproducibility ? 'the same bits each time (strict)' : 'fast kernels, last bits may differ'],
      ['Up since', timeOf(info.start_time)], ['Largest request', mebibytes(info.max_request_bytes)],
      ['Queued jobs at most', info.max_queued_jobs]];
    this.holder.replaceChildren(
      table('Servers of the queue', ['Server', 'Devices', 'Running jobs', 'Models', 'Up since'],
        (info.servers ?? []).map(server => [server.name, (server.devices ?? []).join(', '),
          server.running_jobs ?? 0, (server.models ?? []).map(idOf).join(', '), timeOf(server.start_time)])),
      table('Models', ['Model', 'State', 'Image', 'Timesteps', 'Parameters', 'Precision'],
        models.map(model => [idOf(model.name), model.error || model.state,
          (model.image_shape ?? []).join(' x '), model.num_timesteps,
          Number(model.num_parameters ?? 0).toLocaleString(), model.precision])),
      h('h2', {}, `About ${info.server}`),
      h('dl', {class: 'facts'}, facts.filter(([, value]) => value).flatMap(([key, value]) =>
        [h('dt', {}, key), h('dd', {}, String(value))])));
  }
}
