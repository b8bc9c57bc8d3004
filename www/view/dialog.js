// dialog.js - a question in a <dialog>, which keeps the focus and closes with Escape.

import { html, nothing, render } from '../vendor/lit-html/lit-html.js';

const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: new URL('dialog.css', import.meta.url).href });
const styled = new Promise((resolve) => { style.onload = style.onerror = resolve; });
document.head.append(style);

/** Shows a form in a dialog; `run(fields)` gets what was filled in, and where it throws the dialog says why and stays. Resolves to what `run` gives, or null. */
export async function ask({ title, body, ok, bad = false, run }) {
  await styled;
  return new Promise((resolve) => {
    const dialog = document.createElement('dialog');
    document.body.append(dialog);
    let result = null, busy = false, error = null;
    const draw = () => render(html`<form method="dialog" @submit=${submit}>
      <h2>${title}</h2>${typeof body === 'function' ? body(draw) : body}
      ${error ? html`<p class="failed" role="alert">${error}</p>` : nothing}
      <div class="choices"><button type="button" class="button" @click=${() => dialog.close()}>Cancel</button>
        <button class=${`button ${bad ? 'bad' : 'first'}`} ?disabled=${busy}>${typeof ok === 'function' ? ok() : ok}</button></div>
    </form>`, dialog);
    async function submit(event) {
      event.preventDefault();
      busy = true;
      error = null;
      draw();
      try {
        result = await run(Object.fromEntries(new FormData(event.target)));
        dialog.close();
      } catch (problem) {
        error = problem.message;
        busy = false;
        draw();
      }
    }
    dialog.addEventListener('close', () => { dialog.remove(); resolve(result); });
    dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
    draw();
    dialog.showModal();
  });
}

export const field = (label, name, more = {}) => html`<label class="field"><span>${label}</span>
  <input name=${name} type=${more.type ?? 'text'} autocomplete=${more.autocomplete ?? 'off'} ?required=${more.required ?? true} maxlength=${more.most ?? 64}
    pattern=${more.pattern ?? nothing} title=${more.hint ?? nothing} autocapitalize="none" spellcheck="false" .defaultValue=${more.value ?? ''}>
  ${more.hint ? html`<small>${more.hint}</small>` : nothing}</label>`;

export const confirm = async (question, ok) => Boolean(await ask({ title: question, body: nothing, ok, bad: true, run: () => true }));
