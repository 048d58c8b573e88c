// One job: its state, its pictures as they come, its curves.
import {Watch, get, picture, post, remove, CODE} from './api.js';
import {h, setText, idOf, taskOf, badge, stateOf, hasEnded, timeOf, progressOf, number} from './dom.js';
import {Plot} from './plot.js';

const MOST_IMAGES = 12;
const FRAMES_OF_A_JOB = 100;
const KINDS = [['truth', 'Truth'], ['measurement', 'Measurement'], ['x_t', 'x_t'], ['x0_hat', 'x0_hat'],
               ['result', 'Result']];

const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
const meanOf = (metrics, key) => {
  const values = (metrics ?? []).map(m => Number(m[key])).filter(Number.isFinite);
  return values.length ? mean(values) : null;
};

// Pictures of one kind, beside those of the others. Not shown until there is one.
class Strip {
  constructor(title) {
    this.images = [];
    this.holder = h('div', {class: 'images'});
    this.title = title;
    this.element = h('figure', {class: 'strip', hidden: true}, h('figcaption', {}, title), this.holder);
  }
  show(index, source) {
    this.element.hidden = false;
    for (let i = this.images.length; i <= index; ++i) {
      this.images.push(h('img', {alt: `${this.title}, image ${i + 1}`, width: '96', height: '96'}));
      this.holder.append(this.images[i]);
    }
    const image = this.images[index];
    if (image.src.startsWith('blob:')) URL.revokeObjectURL(image.src);
    image.src = source;
  }
  close() {
    for (const image of this.images) if (image.src.startsWith('blob:')) URL.revokeObjectURL(image.src);
  }
}

// The curve of a job so far, which outlives a reload of the page.
class Curve {
  constructor(name) {
    this.key = `curve:${name}`;
    try {
      this.points = JSON.parse(sessionStorage.getItem(this.key)) ?? [];
    } catch {
      this.points = [];
    }
  }
  add(progress) {
    const step = progress.step ?? 0;
    const psnr = meanOf(progress.metrics, 'psnr'), residual = meanOf(progress.metrics, 'residual');
    if (psnr === null && residual === null) return;
    // A server that went on from a checkpoint makes some steps once more.
    while (this.points.length && this.points[this.points.length - 1].step >= step) this.points.pop();
    this.points.push({step, psnr, residual});
  }
  save() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(this.points));
    } catch {
      sessionStorage.removeItem(this.key);  // no room: a reload begins the curve anew
    }
  }
  of(key) { return this.points.filter(p => p[key] !== null).map(p => [p.step, p[key]]); }
}

export class JobPage {
  constructor(main, id) {
    this.name = `jobs/${id}`;
    this.path = `jobs/${encodeURIComponent(id)}`;
    this.title = id;
    this.build(main, id);
    this.curve = new Curve(this.name);
    this.save = () => this.curve.save();
    addEventListener('pagehide', this.save);
    this.open();
  }
  close() {
    this.closed = true;
    this.save();
    removeEventListener('pagehide', this.save);
    this.watch?.close();
    for (const strip of Object.values(this.strips)) strip.close();
  }

  build(main, id) {
    this.badge = h('span', {role: 'status'});
    this.cancelButton = h('button', {type: 'button', hidden: true, onclick: () => this.cancel()}, 'Cancel');
    this.deleteButton = h('button', {type: 'button', class: 'danger', hidden: true, onclick: () => this.delete()}, 'Delete');
    this.problem = h('p', {class: 'problem', role: 'alert'});
    this.bar = h('progress', {max: '1', value: '0', 'aria-label': 'Progress'});
    this.words = h('span', {class: 'words'});
    this.strips = Object.fromEntries(KINDS.map(([key, title]) => [key, new Strip(title)]));
    this.more = h('p', {class: 'quiet'});
    this.plots = {psnr: new Plot('PSNR of x0_hat', 'dB'), residual: new Plot('Residual ||y - A(x0_hat)||', '')};
    this.metrics = h('div', {});
    this.facts = h('dl', {class: 'facts'});
    this.json = h('pre', {tabindex: '0', 'aria-label': 'The job as JSON'});
    main.append(
      h('div', {class: 'title'}, h('h1', {tabindex: '-1'}, id), this.badge,
        h('span', {class: 'buttons'}, this.cancelButton, this.deleteButton)),
      this.problem, h('p', {class: 'progress'}, this.bar, this.words),
      h('section', {'aria-label': 'Pictures', class: 'strips'}, Object.values(this.strips).map(s => s.element)),
      this.more,
      h('section', {'aria-label': 'Curves', class: 'plots'}, this.plots.psnr.element, this.plots.residual.element),
      this.metrics, h('h2', {}, 'About'), this.facts,
      h('details', {}, h('summary', {}, 'JSON'), this.json));
  }

  tell(error) { setText(this.problem, error?.message ?? ''); }

  // The job first: how often frames are wanted depends on its steps.
  async open() {
    let job = null;
    while (!job && !this.closed) {
      try {
        job = await get(this.path);
      } catch (error) {
        this.tell(error);
        if (error.code !== CODE.UNAVAILABLE && !(error instanceof TypeError)) return;
        await new Promise(later => setTimeout(later, 1000));
      }
    }
    if (this.closed) return;
    this.tell(null);
    this.show(job);
    this.loadInputs(job);
    const steps = job.progress?.num_steps ?? 0;
    this.watch = new Watch(`${this.path}/events`, {
      frame_interval: Math.max(1, Math.floor(steps / FRAMES_OF_A_JOB)),
      frame_kinds: ['X0_HAT', 'X_T'], frame_format: 'IMAGE_FORMAT_PNG', max_frame_images: MOST_IMAGES,
    }, {onEvents: events => this.take(events), onEnd: error => this.end(error)});
  }

  end(error) {
    this.save();
    if (error) this.tell(error.code === CODE.NOT_FOUND ? {message: 'This job was deleted.'} : error);
  }

  take(events) {
    const frames = {};
    for (const {job, progress, frame} of events) {
      if (job) this.show(job);
      if (progress) this.advance(progress);
      if (frame) frames[frame.kind] = frame;  // the newest of each kind
    }
    for (const [kind, frame] of Object.entries(frames)) {
      const strip = this.strips[kind === 'X_T' ? 'x_t' : 'x0_hat'];
      frame.images.encoded.files.forEach((png, i) => strip.show(i, `data:image/png;base64,${png}`));
      strip.element.dataset.step = frame.step ?? 0;
    }
  }

  advance(progress) {
    this.job.progress = progress;
    this.curve.add(progress);
    this.drawProgress();
  }

  drawProgress() {
    const {done, text} = progressOf(this.job);
    this.bar.value = done;
    setText(this.words, text);
    const steps = this.job.progress?.num_steps ?? 0;
    for (const key of ['psnr', 'residual']) this.plots[key].draw(this.curve.of(key), steps);
  }

  show(job) {
    const before = this.job;
    if (before && hasEnded(before) && !hasEnded(job)) return;  // an answer that an event has overtaken
    this.job = job;
    if (job.progress) this.curve.add(job.progress);
    this.drawProgress();
    if (!before || before.state !== job.state) {
      this.badge.replaceChildren(badge(job));
      this.title = `${idOf(job.name)} ${stateOf(job)}`;
      document.title = `${this.title} - tweedie`;
    }
    this.cancelButton.hidden = hasEnded(job);
    this.deleteButton.hidden = !hasEnded(job);
    if (job.error) this.tell({message: `${job.error.reason ?? 'FAILED'}: ${job.error.message}`});
    setText(this.more, job.num_images > MOST_IMAGES ?
      `The first ${MOST_IMAGES} of ${job.num_images} images. All: tweedie get ${job.name}` : '');
    this.showFacts(job);
    this.showMetrics(job);
    if (job.state === 'SUCCEEDED' && before?.state !== 'SUCCEEDED') this.loadResults(job);
  }

  showFacts(job) {
    const labels = Object.entries(job.labels ?? {}).map(([key, value]) => `${key}=${value}`).sort().join(', ');
    const facts = [['Task', taskOf(job)], ['Model', job.model], ['Images', job.num_images], ['Seed', job.seed],
      ['Creator', job.creator], ['Labels', labels], ['Server', job.server], ['Device', job.device],
      ['Attempt', job.attempt], ['Created', timeOf(job.create_time)], ['Started', timeOf(job.start_time)],
      ['Ended', timeOf(job.end_time)], ['Kept until', timeOf(job.expire_time)],
      ['Weights', job.weights_sha256?.slice(0, 16)]];
    this.facts.replaceChildren(...facts.filter(([, value]) => value).flatMap(([key, value]) =>
      [h('dt', {}, key), h('dd', {}, String(value))]));
    setText(this.json, JSON.stringify(job, null, 2));
  }

  showMetrics(job) {
    const keys = ['psnr', 'ssim', 'lpips', 'residual'].filter(key => job.metrics?.some(m => key in m));
    if (keys.length === 0 || this.metrics.childElementCount) return;
    const rows = job.metrics.slice(0, MOST_IMAGES).map((m, i) => h('tr', {},
      h('th', {scope: 'row'}, String(i + 1)), keys.map(key => h('td', {}, number(m[key])))));
    this.metrics.append(h('h2', {}, 'Metrics of the result'), h('table', {class: 'metrics'},
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Image'), keys.map(key => h('th', {scope: 'col'}, key)))),
      h('tbody', {}, rows)));
  }

  // Pictures that do not change. A kind that the job has not is left out.
  async load(kind, path, count) {
    for (let i = 0; i < count && !this.closed; ++i) {
      try {
        this.strips[kind].show(i, await picture(`${this.path}/${path}/${i}.png`));
      } catch (error) {
        if (error.code !== CODE.NOT_FOUND) this.tell(error);
        return;
      }
    }
  }
  async loadInputs(job) {
    if (!job[taskOf(job)]?.measurement) return;
    const count = Math.min(MOST_IMAGES, Math.ceil(job.num_images / (job.samples_per_image || 1)));
    await Promise.all([this.load('truth', 'truth', count), this.load('measurement', 'measurement', count)]);
  }
  loadResults(job) { return this.load('result', 'images', Math.min(MOST_IMAGES, job.num_images)); }

  async cancel() {
    this.cancelButton.disabled = true;
    try {
      this.show(await post(`${this.path}/cancel`));
    } catch (error) {
      this.tell(error);
    }
    this.cancelButton.disabled = false;
  }

  // Asked for twice, in the page: what is gone is gone.
  async delete() {
    if (!this.sure) {
      this.sure = true;
      return setText(this.deleteButton, 'Delete for good');
    }
    try {
      await remove(this.path);
      location.hash = '#/';
    } catch (error) {
      this.tell(error);
    }
  }
}
