/** Children of an element in order, or its text. */
export type Element = string | readonly (readonly [name: string, content: Element])[]

/** A document without attributes but its namespace, as AWS writes it. */
export function xml(name: string, namespace: string, content: Element): string {
  return `<${name} xmlns="${namespace}">${inner(content)}</${name}>\n`
}

function inner(content: Element): string {
  if (typeof content === 'string') return escaped(content)
  return content.map(([name, child]) => `<${name}>${inner(child)}</${name}>`).join('')
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Characters that XML 1.0 2.2 does not have at all become question marks. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
    .replaceAll(/[&<>"]/g, (character) => escapes[character] ?? '')
}
