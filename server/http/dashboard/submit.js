// The form for a new job.
import {get, post} from './api.js';
import {h, setText, idOf} from './dom.js';
import {METHODS, OPERATORS, put} from './tasks.js';
import {Picture, imagesOf} from './pictures.js';

const LATER = 350;  // after the last change, before the server is asked

// A version 4 UUID, also where the page has no TLS.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 15 | 64;
  bytes[8] = bytes[8] & 63 | 128;
  return [...bytes].map((byte, i) => ([4, 6, 8, 10].includes(i) ? '-' : '') + byte.toString(16).padStart(2, '0')).join('');
}

let count = 0;
// A field with its label, and a place for what the server says of it.
function field(label, path, control) {
  const id = `field-${++count}`;
  control.id = id;
  control.dataset.path = path;
  const error = h('span', {class: 'error', id: `${id}-error`});
  control.setAttribute('aria-describedby', error.id);
  return h('div', {class: 'field'}, h('label', {for: id}, label), control, error);
}

function inputOf([path, label, hint = '', kind = '', value = '']) {
  if (Array.isArray(hint)) return field(label, path, h('select', {}, hint.map(name => h('option', {value: name}, name.toLowerCase()))));
  const unit = hint === 'px' ? ' (px)' : '';
  return field(label + unit, path, h('input', {type: 'text', inputmode: kind === 'int' ? 'numeric' : 'decimal',
    placeholder: unit ? '' : hint || "the server's default", value: String(value), autocomplete: 'off'}));
}

export class NewJobPage {
  title = 'New job';

  constructor(main) {
    this.pictures = [];
    this.files = [];
    this.requestId = uuid();
    this.build(main);
    this.load();
  }
  close() { clearTimeout(this.timer); this.closed = true; }

  build(main) {
    this.model = h('select', {});
    this.method = h('select', {}, Object.entries(METHODS).map(([key, {title}]) => h('option', {value: key}, title)));
    this.operator = h('select', {}, Object.keys(OPERATORS).map(name => h('option', {value: name}, name)));
    this.noise = h('input', {type: 'text', inputmode: 'decimal', value: '0.05', autocomplete: 'off'});
    this.seed = h('input', {type: 'text', inputmode: 'numeric', placeholder: 'the server draws one', autocomplete: 'off'});
    this.labels = h('input', {type: 'text', placeholder: 'paper=figure-3, set=test', autocomplete: 'off'});
    this.methodFields = h('div', {class: 'fields'});
    this.operatorFields = h('div', {class: 'fields'});
    this.measurement = h('fieldset', {}, h('legend', {}, 'Measurement'),
      h('div', {class: 'fields'}, field('Operator', 'measurement.forward_operator', this.operator),
        field('Noise, standard deviation', 'measurement.noise', this.noise)), this.operatorFields);
    this.answer = h('p', {class: 'answer', role: 'status'});
    this.problem = h('p', {class: 'problem', role: 'alert'});
    this.button = h('button', {class: 'primary'}, 'Submit');
    this.form = h('form', {class: 'new', novalidate: true, onsubmit: event => this.submit(event), oninput: () => this.change()},
      this.buildDrop(),
      h('fieldset', {}, h('legend', {}, 'Job'), h('div', {class: 'fields'}, field('Model', 'job.model', this.model),
        field('Method', 'job.task', this.method)), this.methodFields),
      this.measurement,
      h('fieldset', {}, h('legend', {}, 'More'), h('div', {class: 'fields'}, field('Seed', 'job.seed', this.seed),
        field('Labels', 'job.labels', this.labels))),
      this.problem, h('p', {class: 'send'}, this.button, this.answer));
    main.append(h('h1', {tabindex: '-1'}, 'New job'), this.form);
    this.model.addEventListener('change', () => this.changeModel());
    this.method.addEventListener('change', () => this.changeMethod());
    this.operator.addEventListener('change', () => this.changeOperator());
  }

  buildDrop() {
    this.file = h('input', {type: 'file', id: 'file', accept: 'image/png,image/jpeg', multiple: true,
      'aria-describedby': 'file-error', onchange: () => this.takeFiles(this.file.files)});
    this.previews = h('ul', {class: 'previews', 'aria-label': 'Chosen images'});
    this.fileError = h('p', {class: 'error', id: 'file-error', role: 'alert'});
    const over = on => event => { event.preventDefault(); this.zone.classList.toggle('over', on); };
    this.zone = h('div', {class: 'drop', ondragover: over(true), ondragleave: over(false), ondrop: event => {
      over(false)(event);
      this.file.files = event.dataTransfer.files;  // so that it says how many there are
      this.takeFiles(event.dataTransfer.files);
    }}, h('label', {for: 'file'}, 'Drop clean images here, or choose files'), this.file, this.previews, this.fileError);
    this.images = h('fieldset', {}, h('legend', {}, 'Images'), this.zone);
    return this.images;
  }

  async load() {
    try {
      this.models = (await get('models?page_size=1000')).models ?? [];
    } catch (error) {
      return setText(this.problem, error.message);
    }
    this.model.replaceChildren(...this.models.map(model => h('option', {value: model.name}, idOf(model.name))));
    if (this.models.length === 0) return setText(this.problem, 'This server has no models.');
    this.changeMethod();
    this.changeOperator();
  }

  get shape() { return this.models?.find(model => model.name === this.model.value)?.image_shape ?? [1, 32, 32]; }
  get takes() { return METHODS[this.method.value].takes; }

  changeModel() {
    this.changeOperator();
    this.takeFiles(this.files);
  }
  changeMethod() {
    this.methodFields.replaceChildren(...METHODS[this.method.value].fields.map(inputOf));
    this.measurement.hidden = this.takes !== 'measurement';
    this.images.hidden = this.takes === 'nothing';
    this.change();
  }
  changeOperator() {
    const fields = OPERATORS[this.operator.value].fields(this.shape[1]);
    this.operatorFields.replaceChildren(...fields.map(([path, ...more]) =>
      inputOf([`measurement.forward_operator.${path}`, ...more])));
    this.askMethods = true;
    this.change();
  }

  async takeFiles(files) {
    this.files = [...files];
    const taken = [];
    setText(this.fileError, '');
    for (const file of this.files) {
      try {
        taken.push(await Picture.of(file, this.shape));
      } catch (error) {
        setText(this.fileError, error.message);
      }
    }
    this.pictures = taken;
    this.previews.replaceChildren(...taken.map(picture => h('li', {}, this.labelled(picture),
      h('span', {}, picture.name), h('span', {class: 'quiet'}, picture.note))));
    this.change();
  }
  labelled(picture) {
    picture.canvas.setAttribute('role', 'img');
    picture.canvas.setAttribute('aria-label', picture.name);
    return picture.canvas;
  }

  // The request, with `pictures`, or a grey image where there is none.
  job(method = this.method.value, pictures = this.pictures) {
    const task = {};
    const own = method === this.method.value ? [...this.methodFields.querySelectorAll('[data-path]')] : [];
    const {takes} = METHODS[method];
    const operator = takes === 'measurement' ? [...this.operatorFields.querySelectorAll('[data-path]')] : [];
    for (const {dataset, value} of [...own, ...operator]) {
      if (value.trim()) put(task, dataset.path, value.trim());
    }
    if (takes === 'images') Object.assign(task, {images: imagesOf(pictures, this.shape), add_noise: true});
    if (takes === 'measurement') {
      const {empty} = OPERATORS[this.operator.value];
      if (empty) put(task, `measurement.forward_operator.${empty}`, task.measurement?.forward_operator?.[empty] ?? {});
      if (this.noise.value.trim()) put(task, 'measurement.noise.gaussian_sigma', this.noise.value.trim());
      put(task, 'measurement.simulate_from', imagesOf(pictures, this.shape));
    }
    const job = {model: this.model.value, [method]: task};
    if (this.seed.value.trim()) job.seed = this.seed.value.trim();
    const labels = this.labels.value.split(',').map(pair => pair.trim()).filter(Boolean);
    if (labels.length) job.labels = Object.fromEntries(labels.map(pair => pair.split(/=(.*)/s).slice(0, 2).map(s => s ?? '')));
    return job;
  }

  change() {
    this.requestId = uuid();
    clearTimeout(this.timer);
    if (!this.models?.length) return;
    this.timer = setTimeout(() => this.check(), LATER);
  }

  // Asks the server whether it would take this, and which methods it could be.
  async check() {
    const asked = this.requestId;
    if (this.askMethods && this.takes === 'measurement') await this.checkMethods(asked);
    try {
      await post('jobs', {job: this.job(), validate_only: true});
      if (this.closed || asked !== this.requestId) return;
      this.showErrors(null);
      const needs = this.takes !== 'nothing' && this.pictures.length === 0;
      setText(this.answer, needs ? 'Needs an image.' : 'The server would take this.');
    } catch (error) {
      if (this.closed || asked !== this.requestId) return;
      this.showErrors(error);
      setText(this.answer, '');
    }
  }

  async checkMethods(asked) {
    const options = [...this.method.options].filter(option => METHODS[option.value].takes === 'measurement');
    const refusals = await Promise.all(options.map(option =>
      post('jobs', {job: this.job(option.value, []), validate_only: true}).then(() => null, error => error)));
    if (this.closed || asked !== this.requestId) return;
    this.askMethods = false;
    options.forEach((option, i) => {
      // What is wrong with a number says nothing of the method.
      const serves = !refusals[i]?.violations.some(({field: path}) => path.endsWith('forward_operator') ||
        path === `job.${option.value}` || path.endsWith('.measurement'));
      setText(option, METHODS[option.value].title + (serves ? '' : ' (not for this operator)'));
    });
  }

  // What the server says, beside the field that it names.
  showErrors(error) {
    for (const control of this.form.querySelectorAll('[data-path]')) {
      control.removeAttribute('aria-invalid');
      setText(document.getElementById(`${control.id}-error`), '');
    }
    const rest = [];
    for (const {field: path, description} of error?.violations ?? []) {
      const control = this.controlOf(path);
      if (!control) rest.push(description);
      control?.setAttribute('aria-invalid', 'true');
      if (control) setText(document.getElementById(`${control.id}-error`), description);
    }
    if (error && !error.violations.length) rest.push(error.message);
    setText(this.problem, rest.join(' '));
  }

  // The visible control of the longest path that `path` begins with, or of one below it.
  controlOf(path) {
    const inTask = path.replace(`job.${this.method.value}.`, '');
    const fits = control => [path, inTask].some(p => p === control.dataset.path ||
      p.startsWith(`${control.dataset.path}.`));
    return [...this.form.querySelectorAll('[data-path]')].filter(control => !control.closest('[hidden]') && fits(control))
      .sort((a, b) => b.dataset.path.length - a.dataset.path.length)[0];
  }

  async submit(event) {
    event.preventDefault();
    if (this.takes !== 'nothing' && this.pictures.length === 0) {
      setText(this.fileError, 'Choose at least one image.');
      return this.file.focus();
    }
    clearTimeout(this.timer);
    this.button.disabled = true;
    try {
      // Sent again after a broken connection, it makes no second job.
      const job = await post('jobs', {job: this.job(), request_id: this.requestId});
      location.hash = `#/jobs/${encodeURIComponent(idOf(job.name))}`;
    } catch (error) {
      this.showErrors(error);
      this.form.querySelector('[aria-invalid]')?.focus();
    }
    this.button.disabled = false;
  }
}
