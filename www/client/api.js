// api.js - requests to the backend, and its refusals as errors.

/** What the backend refused, or why it could not be asked: `status` (0: no answer came), `code`, `message`. */
export class EarshotError extends Error {
  constructor({ status = 0, code = 'unreachable', detail, title, ...more }, retryAfter = null) {
    super(detail ?? title ?? code);
    this.name = 'EarshotError';
    Object.assign(this, { status, code, retryAfter, ...more });
  }

  /** May the same request succeed later, with nothing changed? */
  get passing() { return this.status === 0 || this.status === 429 || this.status >= 500; }
}

async function errorOf(response) {
  const after = Number(response.headers.get('retry-after'));
  let problem = {};
  try { problem = await response.json(); } catch { /* not ours: a proxy's page */ }
  return new EarshotError({ code: 'refused', title: `the server answered ${response.status}`, ...problem, status: response.status }, after > 0 ? after : null);
}

export class Api {
  /** `url`: where the API is. `token`: a text; a function that gives one, or a promise of one; or nothing: a cookie. */
  constructor({ url, token = null, fetch: ask = (...args) => globalThis.fetch(...args) }) {
    this.url = url.endsWith('/') ? url : `${url}/`;
    this.source = typeof token === 'function' ? token : null;
    this.token = this.source ? null : token;
    this.ask = ask;
    this.renewing = null;
  }

  get byToken() { return this.source !== null || this.token !== null; }

  /** Another token, once for all who wait for it: from the page's function, or by auth/renew. False: there is none. */
  renew() {
    this.renewing ??= this.#renew().finally(() => { this.renewing = null; });
    return this.renewing;
  }

  async #renew() {
    if (this.source) {
      this.token = await this.source();
      return this.token != null;
    }
    try {
      const { token } = await this.json('POST', 'auth/renew', { body: { cookie: this.token === null }, again: false });
      if (token) this.token = token;
      return true;
    } catch (error) {
      if (error.passing) throw error;
      return false;
    }
  }

  /** The response itself, once it is 2xx; else throws an EarshotError. `body`: a text as it is, or an object as JSON. */
  async open(method, path, options = {}) {
    const { body, query, headers = {}, signal, again = true } = options;
    if (this.source && this.token === null) await this.renew();
    const json = body !== undefined && typeof body !== 'string';
    let response;
    try {
      response = await this.ask(this.url + path + (query ? `?${new URLSearchParams(query)}` : ''), {
        method,
        signal,
        cache: 'no-store',
        credentials: this.byToken ? 'omit' : 'include',
        body: json ? JSON.stringify(body) : body,
        headers: {
          Accept: 'application/json',
          ...(body === undefined ? {} : { 'Content-Type': json ? 'application/json' : 'text/plain;charset=utf-8' }),
          ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
          ...headers,
        },
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new EarshotError({ detail: 'the server cannot be reached' });
    }
    if (response.ok) return response;
    const error = await errorOf(response);
    if (error.status === 401 && again && this.source && await this.renew()) {
      return this.open(method, path, { ...options, again: false });
    }
    throw error;
  }

  /** What it answers, read from JSON; null where it answers nothing. */
  async json(method, path, options) {
    const response = await this.open(method, path, options);
    if (response.status === 204) return null;
    try {
      return await response.json();
    } catch (error) {
      if (options?.signal?.aborted) throw error;
      throw new EarshotError({ detail: 'the answer was cut' });
    }
  }
}

/** A path of which each part is a value: encoded, so that no name can be more than a name. */
export const path = (...parts) => parts.map((part) => encodeURIComponent(part).replaceAll('%40', '@').replaceAll('%2C', ',')).join('/');
