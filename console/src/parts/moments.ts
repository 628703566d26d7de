// Moments as dates and times.
const dateTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });

/** @param at milliseconds since 1970 */
export function dateTimeText(at: number): string {
  return dateTime.format(at);
}

export function dateText(at: number): string {
  return date.format(at);
}
