// api.js - requests to the backend, and its refusals as errors.

/**
 * What the backend refused, or why it could not be asked. `status`: of the answer, 0 where none came; `code`: the
 * backend's word for it ("muted"), `unreachable` where none came; `message`: a sentence; `retryAfter`: seconds, or null.
 */
export class EarshotError extends Error {
  constructor({ status = 0, code = 'unreachable', detail, title, message, ...more } = {}, retryAfter = null) {
    super(message ?? detail ?? title ?? code);
    Object.assign(this, { retryAfter, ...more, name: 'EarshotError', status, code });
  }

  /** May the same request succeed later, with nothing changed? */
  get passing() { return this.status === 0 || this.status === 429 || this.status >= 500; }

  /** What storage and other tabs take; from() makes an error of it again. */
  toJSON() { return { ...this, message: this.message }; }
  static from(plain) { return plain ? new EarshotError(plain) : null; }
}

async function errorOf(response) {
  const after = Number(response.headers.get('retry-after'));
  let problem = {};
  try { problem = await response.json(); } catch { /* not ours: a proxy's page */ }
  return new EarshotError({ code: 'refused', title: `the server answered ${response.status}`, ...problem, status: response.status }, after > 0 ? after : null);
}

export class Api {
  #renewing = null;

  /**
   * `url`: where the API is. `token`: a text; a function that gives one, or a promise of one; '' where one is to come by
   * signing in; null: who one is stands in a cookie.
   */
  constructor({ url, token = null, fetch: ask = (...args) => globalThis.fetch(...args) }) {
    this.url = url.endsWith('/') ? url : `${url}/`;
    this.byToken = token !== null;
    this.source = typeof token === 'function' ? token : null;
    this.token = this.source ? null : token || null;
    this.ask = ask;
  }

  /** Another token, once for all who wait for it: from the page's function, or by auth/renew. False: there is none. */
  renew() {
    this.#renewing ??= (this.source ? this.#fromSource() : this.#fromServer()).finally(() => { this.#renewing = null; });
    return this.#renewing;
  }

  async #fromSource() {
    try {
      this.token = await this.source() || null;
    } catch (error) {
      throw new EarshotError({ code: 'token_unavailable', detail: `the page gives no token: ${error?.message ?? error}` });
    }
    return this.token !== null;
  }

  async #fromServer() {
    try {
      const { token } = await this.json('POST', 'auth/renew', { body: { cookie: !this.byToken } });
      if (token) this.token = token;
      return true;
    } catch (error) {
      if (error.passing) throw error;
      return false;
    }
  }

  /**
   * The response itself, once it is 2xx; else throws an EarshotError, or what `signal` was aborted with. `body`: a text as
   * it is, or an object as JSON. `bare`: without a token, as one signs in.
   */
  async open(method, where, options = {}) {
    const { signal, again = true, bare = false } = options;
    if (this.source && this.token === null && !bare) await this.renew();
    const token = bare ? null : this.token;
    let response;
    try {
      response = await this.ask(this.url + where + (options.query ? `?${new URLSearchParams(options.query)}` : ''), this.#request(method, token, options));
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new EarshotError({ detail: 'the server cannot be reached' });
    }
    if (response.ok) return response;
    const error = await errorOf(response);
    // Another request may have brought another token meanwhile.
    if (error.status === 401 && again && this.source && !bare && (token !== this.token || await this.renew())) {
      return this.open(method, where, { ...options, again: false });
    }
    throw error;
  }

  #request(method, token, { body, headers, signal }) {
    const json = body !== undefined && typeof body !== 'string';
    return {
      method,
      signal,
      cache: 'no-store',
      credentials: this.byToken ? 'omit' : 'include',
      body: json ? JSON.stringify(body) : body,
      headers: {
        Accept: 'application/json',
        ...(body === undefined ? {} : { 'Content-Type': json ? 'application/json' : 'text/plain;charset=utf-8' }),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
    };
  }

  /** What it answers, read from JSON; null where it answers nothing. */
  async json(method, where, options) { return read(await this.open(method, where, options), options); }

  /** Changes a message: { event, version }, the message as it is then, and the last event that it knows of. */
  async change(method, where, body) {
    const response = await this.open(method, where, { body });
    return { event: await read(response), version: /"(\d+-\d+)"/.exec(response.headers.get('etag'))?.[1] };
  }

  /** A page of history: { events, cursor, more, next }, where `next` is the id to go on `after` in a thread. */
  async page(where, query) {
    const response = await this.open('GET', where, { query });
    const link = response.headers.get('link') ?? '';
    return { ...await read(response), more: /rel="?next/.test(link), next: /[?&]after=([\d-]+)[^>]*>; rel="?next/.exec(link)?.[1] };
  }
}

async function read(response, options) {
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new EarshotError({ detail: 'the answer was cut' });
  }
}

/** A path of which each part is a value: encoded, so that no name can be more than a name. */
export const path = (...parts) => parts.map((part) => encodeURIComponent(part).replaceAll('%40', '@').replaceAll('%2C', ',')).join('/');
