// time.js - times of day and days, as the reader's language says them.

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const dateOfYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

const startOfDay = (ms) => new Date(ms).setHours(0, 0, 0, 0);

export const timeOf = (ms) => clock.format(ms);
export const fullTimeOf = (ms) => full.format(ms);
export const sameDay = (a, b) => startOfDay(a) === startOfDay(b);

const capital = (text) => text[0].toLocaleUpperCase() + text.slice(1);

/** Today, Yesterday, Tuesday 3 March, 3 March 2021. */
export function dayOf(ms, now = Date.now()) {
  const days = Math.round((startOfDay(ms) - startOfDay(now)) / 86400000);
  if (days === 0 || days === -1) return capital(relative.format(days, 'day'));
  return capital((new Date(ms).getFullYear() === new Date(now).getFullYear() ? date : dateOfYear).format(ms));
}
