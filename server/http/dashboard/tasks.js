// What the form can ask for. Which values are right, and which method serves which
// operator, the server alone says: the form asks it (validate_only).

// A field: [path in the task, label, example or unit]. Empty: the server's default.
const steps = ['process.num_steps', 'Steps', 'all timesteps', 'int'];

export const METHODS = {
  dps: {title: 'DPS', takes: 'measurement', fields: [steps, ['zeta', 'zeta']]},
  ddrm: {title: 'DDRM', takes: 'measurement', fields: [steps, ['eta', 'eta'], ['eta_b', 'eta_b']]},
  ddnm: {title: 'DDNM', takes: 'measurement', fields: [steps, ['eta', 'eta'],
    ['travel_length', 'Travel length', '', 'int'], ['travel_repeats', 'Travel repeats', '', 'int']]},
  pigdm: {title: 'PiGDM', takes: 'measurement', fields: [steps]},
  diffpir: {title: 'DiffPIR', takes: 'measurement', fields: [steps, ['lambda', 'lambda'], ['zeta', 'zeta']]},
  reddiff: {title: 'RED-diff', takes: 'measurement', fields: [steps, ['learning_rate', 'Learning rate'],
    ['prior_weight', 'Prior weight'], ['data_weight', 'Data weight']]},
  repaint: {title: 'RePaint', takes: 'measurement', fields: [steps,
    ['jump_length', 'Jump length', '', 'int'], ['num_resamples', 'Resamples', '', 'int']]},
  ald: {title: 'ALD', takes: 'measurement', fields: [steps,
    ['steps_per_level', 'Steps a level', '', 'int'], ['step_size', 'Step size']]},
  sdedit: {title: 'SDEdit', takes: 'measurement', fields: [steps, ['strength', 'Strength', '0.5'],
    ['num_repeats', 'Repeats', '1', 'int']]},
  denoise: {title: 'Denoise', takes: 'images', fields: [['timestep', 'Noised to timestep', '', 'int', '300'],
    ['process.num_steps', 'Steps', 'one estimate', 'int']]},
  sample: {title: 'Sample', takes: 'nothing', fields: [['num_images', 'Images', '', 'int', '4'], steps]},
};

// Of an operator; `side` is the image's.
export const OPERATORS = {
  'Inpainting: a box': {fields: side => [
    ['inpainting.box.top', 'Top', 'px', 'int', side / 4], ['inpainting.box.left', 'Left', 'px', 'int', side / 4],
    ['inpainting.box.height', 'Height', 'px', 'int', side / 2], ['inpainting.box.width', 'Width', 'px', 'int', side / 2]]},
  'Inpainting: random pixels': {fields: () => [['inpainting.random_fraction', 'Fraction missing', '', '', 0.5]]},
  'Super-resolution': {fields: () => [['super_resolution.factor', 'Factor', '', 'int', 2],
    ['super_resolution.kernel', 'Kernel', ['BICUBIC', 'AVERAGE']]]},
  'Blur: Gaussian': {fields: () => [['blur.gaussian.size', 'Side', 'px', 'int', 5],
    ['blur.gaussian.sigma', 'Sigma', 'px', '', 1], ['blur.boundary', 'Boundary', ['REFLECT', 'CIRCULAR', 'ZERO']]]},
  'Blur: motion': {fields: () => [['blur.motion.size', 'Side', 'px', 'int', 7], ['blur.motion.intensity', 'Intensity'],
    ['blur.boundary', 'Boundary', ['REFLECT', 'CIRCULAR', 'ZERO']]]},
  'Blur: random kernel': {fields: () => [['blur.random_size', 'Side', 'px', 'int', 5]]},
  'Subsampling': {fields: () => [['subsampling.stride', 'Stride', 'px', 'int', 2]]},
  'MRI: random columns': {fields: () => [['mri.random_columns.acceleration', 'Acceleration', '', '', 4],
    ['mri.random_columns.center_fraction', 'Centre fraction']]},
  'Tomography': {fields: () => [['tomography.num_angles', 'Angles', '', 'int', 24],
    ['tomography.num_detectors', 'Detectors', '', 'int']]},
  'Phase retrieval': {fields: () => [['phase_retrieval.padding', 'Padding', '0.25']], empty: 'phase_retrieval'},
  'Grayscale': {fields: () => [], empty: 'grayscale'},
  'Identity (noise alone)': {fields: () => [], empty: 'identity'},
};

// Puts `value` into `object` at `a.b.c`.
export function put(object, path, value) {
  const names = path.split('.');
  const last = names.pop();
  for (const name of names) object = object[name] ??= {};
  object[last] = value;
}
