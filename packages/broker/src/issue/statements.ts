/**
 * Statements that an operator writes for a connection, with places that we fill in. The names and the quotes are ours:
 * `{{name}}` becomes a quoted identifier, `{{password}}` and `{{until}}` quoted texts, `{{roles}}` quoted identifiers with
 * commas. A template in which a value would land inside quotes is refused when the configuration is read.
 */
import { z } from 'zod'

type Dialect = 'postgres' | 'mysql'

/** What each place becomes, quoted for its server already. */
export interface StatementValues {
  readonly name: string
  readonly password: string
  readonly until: string
  readonly roles: string
}

const places = /\{\{(name|password|until|roles)\}\}/y
const word = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y
const quoted: Readonly<Record<Dialect, RegExp>> = {
  postgres: /'[^']*'|"[^"]*"|\$([A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$[\s\S]*?\$\1\$/y,
  mysql: /'[^']*'|"[^"]*"|`[^`]*`/y,
}
const quote: Readonly<Record<Dialect, RegExp>> = {
  postgres: /['"]|\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y,
  mysql: /['"`]/y,
}
const comment: Readonly<Record<Dialect, RegExp>> = { postgres: /--|\/\*/y, mysql: /--|\/\*|#/y }

/** Templates that make what a lease is given, instead of our own statements. */
export function createStatements(dialect: Dialect) {
  return z
    .array(template(dialect))
    .min(1)
    .max(16)
    .refine((all) => ['{{name}}', '{{password}}'].every((place) => all.some((one) => one.includes(place))), {
      error: 'must make {{name}}, with {{password}}',
    })
    .optional()
    .describe('Statements that make {{name}} with {{password}}, {{until}} and {{roles}}, instead of our own')
}

/** Templates that run before our own statements drop what a lease was given. */
export function dropStatements(dialect: Dialect) {
  return z
    .array(
      template(dialect).refine((one) => !/\{\{(?!name\}\})/.test(one), {
        error: 'may have {{name}} alone: the rest is over by then',
      }),
    )
    .min(1)
    .max(16)
    .optional()
    .describe('Statements that run before ours drop {{name}}, while it is there')
}

/** The templates with every place filled in. */
export function filledStatements(
  templates: readonly string[],
  values: Partial<StatementValues>,
): readonly string[] {
  const known: Readonly<Record<string, string | undefined>> = { ...values }
  return templates.map((one) =>
    one.replaceAll(/\{\{([a-z]+)\}\}/g, (place, name: string) => known[name] ?? place),
  )
}

function template(dialect: Dialect) {
  return z
    .string()
    .min(1)
    .max(4_000)
    .superRefine((text, context) => {
      const fault = faultOf(text, dialect)
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
    })
}

/** What could make a value that we quote part of something else. Backslashes mean another thing from server to server. */
function faultOf(text: string, dialect: Dialect): string | undefined {
  if (text.includes('\\')) return 'has a backslash; write it without'
  for (let at = 0; at < text.length; ) {
    const found = (pattern: RegExp) => matchAt(pattern, text, at)
    if (found(comment[dialect]) !== undefined) return 'has a comment; write it above, in the YAML'
    const inQuotes = found(quoted[dialect])
    if (inQuotes?.includes('{{') === true)
      return 'has a place inside quotes; leave the quotes out, they are ours'
    if (inQuotes === undefined && found(quote[dialect]) !== undefined) return 'has a quote that does not end'
    const place = found(places)
    if (place === undefined && text.startsWith('{{', at))
      return 'has a place that is not {{name}}, {{password}}, {{until}} or {{roles}}'
    if (place !== undefined && !standsAlone(text, at, at + place.length))
      return `has ${place} without a space, comma or parenthesis on both sides`
    at += (inQuotes ?? place ?? found(word) ?? ' ').length
  }
  return undefined
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** Next to a quote or a letter, our quotes would be read as one with them. */
function standsAlone(text: string, from: number, to: number): boolean {
  return /^[\s(,=]?$/.test(text.charAt(from - 1)) && /^[\s),;]?$/.test(text.charAt(to))
}
