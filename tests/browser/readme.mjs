// readme.mjs - the examples of the library's README, which the tests run.

import fs from 'node:fs';
import path from 'node:path';
import { root } from '../system/harness.mjs';

/** The code of all blocks of a language, in their order. Those that no test runs say so themselves: "```html not-run". */
export function block(language) {
  const text = fs.readFileSync(path.join(root, 'www/README.md'), 'utf8');
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].filter(([, about]) => about === language).map(([, , code]) => code);
}
