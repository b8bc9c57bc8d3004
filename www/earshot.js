// earshot.js - live rooms over plain HTTP, in a browser: import { Earshot } from './earshot.js'. See README.md beside it.

export { EarshotError } from './client/api.js';
export { Earshot } from './client/client.js';
export { compareIds } from './client/ids.js';
