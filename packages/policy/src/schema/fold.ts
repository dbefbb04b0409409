/** fold: the only case folding there is. ASCII alone: the Kelvin sign is no k, and no locale is asked. */
export function foldAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : text
}
