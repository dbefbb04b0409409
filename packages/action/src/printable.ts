/** Control and format characters: line ends, escapes, and those that turn the direction of text. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/**
 * One line that is safe to print. The runner takes `##[command]` anywhere in a line for a command (and `::command::`
 * at its start, where we always print words of our own).
 */
export function printable(text: string): string {
  return text.replace(unseen, ' ').replaceAll('##[', '# # [')
}

/** Text inside HTML, also inside an attribute. */
export function html(text: string): string {
  return text.replace(unseen, ' ').replace(/[&<>"'`]/g, (character) => `&#${character.codePointAt(0)};`)
}
