// time.js - times of day and days, as the reader's language says them.

/** Made when first used: each takes some milliseconds, which the first sight of a page has not. */
const made = new Map();
const format = (name, make) => made.get(name) ?? made.set(name, make()).get(name);
const dates = (name, options) => format(name, () => new Intl.DateTimeFormat(undefined, options));

const startOfDay = (ms) => new Date(ms).setHours(0, 0, 0, 0);

export const timeOf = (ms) => dates('clock', { hour: '2-digit', minute: '2-digit' }).format(ms);
export const fullTimeOf = (ms) => dates('full', { dateStyle: 'full', timeStyle: 'medium' }).format(ms);
export const sameDay = (a, b) => startOfDay(a) === startOfDay(b);

const capital = (text) => text[0].toLocaleUpperCase() + text.slice(1);

/** Today, Yesterday, Tuesday 3 March, 3 March 2021. */
export function dayOf(ms, now = Date.now()) {
  const days = Math.round((startOfDay(ms) - startOfDay(now)) / 86400000);
  if (days === 0 || days === -1) return capital(format('days', () => new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })).format(days, 'day'));
  const year = new Date(ms).getFullYear() === new Date(now).getFullYear() ? { weekday: 'long' } : { year: 'numeric' };
  return capital(dates(Object.keys(year)[0], { day: 'numeric', month: 'long', ...year }).format(ms));
}
