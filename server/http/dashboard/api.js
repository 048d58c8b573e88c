// The server's API: calls, streams that come back by themselves, and the token.

const BASE = '/api/v1/';
const TOKEN = 'tweedie-token';
export const CODE = {OK: 0, NOT_FOUND: 5, RESOURCE_EXHAUSTED: 8, UNAVAILABLE: 14, UNAUTHENTICATED: 16};
const LONGEST_SILENCE = 40000;  // the server says something every 15 s
const SHORTEST_WAIT = 500, LONGEST_WAIT = 8000;

export class ApiError extends Error {
  constructor(status, http) {
    super(status.message || `the server answered ${http}`);
    this.code = status.code ?? 2;
    this.details = status.details ?? [];
  }
  // Which fields of the request are wrong: [{field, description}].
  get violations() {
    return this.details.flatMap(detail => detail.field_violations ?? []);
  }
}

let askToken = null;     // async why => undefined, once a token was given
let asking = null;       // its promise while it runs
let onLink = () => {};   // told 'live', 'connecting' or 'away'

export function start(options) {
  askToken = options.askToken;
  onLink = options.onLink;
}
export const setToken = token => sessionStorage.setItem(TOKEN, token);

// One question for all calls that wait.
function tokenGiven(error) {
  asking ??= askToken(error.message).finally(() => { asking = null; });
  return asking;
}

function headersOf(more) {
  const token = sessionStorage.getItem(TOKEN);
  return token ? {...more, Authorization: `Bearer ${token}`} : {...more};
}

// Of proxies, while the server restarts or is full.
const PASSING_HTTP = [429, 502, 503, 504];

async function errorOf(response) {
  const text = await response.text();
  try {
    return new ApiError(JSON.parse(text), response.status);
  } catch {
    if (!PASSING_HTTP.includes(response.status)) return new ApiError({message: text.trim()}, response.status);
    return new ApiError({code: CODE.UNAVAILABLE}, response.status);
  }
}

// A response that is OK; asks for a token as often as it takes.
async function request(path, options = {}) {
  for (;;) {
    const sent = headersOf(options.headers);
    const response = await fetch(BASE + path, {...options, headers: sent, cache: 'no-store'});
    if (response.ok) return response;
    const error = await errorOf(response);
    if (error.code !== CODE.UNAUTHENTICATED) throw error;
    // Another call's question may have been answered meanwhile.
    if (sent.Authorization === headersOf().Authorization) await tokenGiven(error);
  }
}

export const get = async path => (await request(path)).json();
export const picture = async path => URL.createObjectURL(await (await request(path)).blob());
export const remove = async path => (await request(path, {method: 'DELETE'})).json();
export async function post(path, body = {}) {
  const headers = {'Content-Type': 'application/json'};
  return (await request(path, {method: 'POST', headers, body: JSON.stringify(body)})).json();
}

const query = params => {
  const pairs = Object.entries(params).flatMap(([key, value]) => [value].flat().map(v => [key, v]));
  return pairs.length ? `?${new URLSearchParams(pairs)}` : '';
};

// Splits a response into events {id, name, data}.
async function* eventsOf(response, heard) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    heard();
    const parts = (text + value).split('\n\n');
    text = parts.pop();
    for (const part of parts) {
      const event = {id: '', name: '', data: ''};
      for (const line of part.split('\n')) {
        if (line.startsWith('id: ')) event.id = line.slice(4);
        if (line.startsWith('event: ')) event.name = line.slice(7);
        if (line.startsWith('data: ')) event.data += line.slice(6);
      }
      if (event.data) yield event;
    }
  }
}

const PASSING = [CODE.UNAVAILABLE, CODE.RESOURCE_EXHAUSTED, CODE.UNAUTHENTICATED];

// A stream of events, opened again from its last id whenever it breaks, and closed
// while nobody sees the page.
export class Watch {
  // onEvents([message, ...]); onOpen() before the first of each connection; onEnd(error
  // or null) once there is no more to come.
  constructor(path, params, {onEvents, onOpen = () => {}, onEnd = () => {}}) {
    Object.assign(this, {path, params, onEvents, onOpen, onEnd});
    this.lastId = '';
    this.closed = false;
    this.look = () => this.abort?.abort();
    document.addEventListener('visibilitychange', this.look);
    this.run();
  }
  close() {
    this.closed = true;
    document.removeEventListener('visibilitychange', this.look);
    this.abort?.abort();
  }

  async run() {
    let wait = SHORTEST_WAIT;
    while (!this.closed) {
      if (document.hidden) await new Promise(seen => {
        document.addEventListener('visibilitychange', seen, {once: true});
      });
      if (this.closed) return;
      const {heard, error, ended} = await this.once();
      if (this.closed) return;
      if (ended) {
        this.close();
        return this.onEnd(error);
      }
      if (document.hidden) continue;
      if (heard) wait = SHORTEST_WAIT;
      onLink('away');
      await new Promise(later => setTimeout(later, wait * (0.75 + Math.random() / 2)));
      wait = Math.min(wait * 2, LONGEST_WAIT);
      onLink('connecting');
    }
  }

  // One connection. `ended`: there is no use in another.
  async once() {
    this.abort = new AbortController();
    let timer = null;
    let heard = false;
    const hear = () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.abort.abort(), LONGEST_SILENCE);
    };
    try {
      hear();
      const headers = this.lastId ? {'Last-Event-ID': this.lastId} : {};
      const response = await request(this.path + query(this.params), {headers, signal: this.abort.signal});
      onLink('live');
      this.onOpen();
      heard = true;
      const error = await this.read(response, hear);
      if (error === undefined) return {heard};
      return {heard, error, ended: error === null || !PASSING.includes(error.code)};
    } catch (error) {
      const passing = !(error instanceof ApiError) || PASSING.includes(error.code);
      return {heard, error, ended: !passing};
    } finally {
      clearTimeout(timer);
    }
  }

  // null: the stream came to its end; undefined: it broke.
  async read(response, hear) {
    let batch = [];
    let pending = null;
    const flush = () => {
      pending = null;
      if (!this.closed && batch.length) this.onEvents(batch.splice(0));
    };
    for await (const event of eventsOf(response, hear)) {
      const data = JSON.parse(event.data);
      if (event.name === 'end') {
        clearTimeout(pending);
        flush();
        return data.code ? new ApiError(data, 200) : null;
      }
      if (event.id) this.lastId = event.id;
      batch.push(data);
      pending ??= setTimeout(flush, 50);
    }
    flush();
    return undefined;
  }
}
