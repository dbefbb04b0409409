/** content-key: rules as text by what they mean. Equal texts mean equal sets; what a rule is called and where it stands is not in them. */
import type { Box } from './box.ts'
import type { Lang } from './lang.ts'
import type { PolicyGuardrail, Selection } from './policy.ts'

const known = new WeakMap<Lang, string>()

/** Automata are minimal and numbered canonically, so equal languages of equal parts have equal texts. */
export function langKey(lang: Lang): string {
  let key = known.get(lang)
  if (key === undefined) {
    const { automaton, minus, plus, missing } = lang
    const { columns, width, next, accepting } = automaton
    const machine = [columns.join(), width, next.join(), accepting.join()].join(';')
    key = JSON.stringify([missing, [...minus].sort(), [...plus].sort(), machine])
    known.set(lang, key)
  }
  return key
}

export function boxKey(box: Box): string {
  const claims = [...box.values()].map(({ claim, lang }) => `${claim}:${langKey(lang)}`)
  return claims.sort().join('\n')
}

function selectionKey(selection: Selection): string {
  const items = [...selection].map(([target, scopes]) => [
    target,
    scopes === undefined ? null : [...scopes].sort(),
  ])
  return JSON.stringify(items.sort())
}

/** What a guardrail demands. */
export function guardrailKey(guardrail: PolicyGuardrail): string {
  const head = [guardrail.rule, selectionKey(guardrail.get)]
  if (guardrail.rule === 'max') return [...head, guardrail.seconds].join('|')
  if (guardrail.rule === 'apart') return [...head, selectionKey(guardrail.other)].join('|')
  const who = [...guardrail.who].map(([issuer, boxes]) => `${issuer}(${boxes.map(boxKey).sort().join('|')})`)
  return [...head, ...who.sort()].join('|')
}
