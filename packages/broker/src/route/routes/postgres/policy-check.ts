/** The statements of a session held against the policy that is in force. */
import type { StatementFacts } from '@mayfly/policy/statements'
import { asFailure, Failure } from '../../../base/failure.ts'
import { Recent } from '../../recent.ts'
import type { Admitted, Gate } from '../../route.ts'
import { type Callables, calledBy } from './callables.ts'
import type { ResultRule } from './masks.ts'
import type { ReadStatements } from './statement/reader.ts'
import type { Cost, Looked, StatementCheck } from './statements.ts'

/** Longer texts are read each time. */
const longestRemembered = 4096
const remembered = 2000

/** Reads each text once for all sessions, as far as memory allows. */
export function remembering(read: ReadStatements): ReadStatements {
  const recent = new Recent<readonly StatementFacts[] | string>(remembered)
  return (text) => {
    if (text.length > longestRemembered) return read(text)
    const known = recent.get(text)
    if (known !== undefined) return known
    const facts = read(text)
    recent.set(text, facts)
    return facts
  }
}

/** What the policy says of the statements of who was let in. */
export function policyCheck(
  gate: Pick<Gate, 'statements'>,
  admitted: Admitted,
  target: string,
  read: ReadStatements,
  callables: Callables | undefined,
): StatementCheck {
  const terms = () => gate.statements(admitted, target)
  return {
    terms,
    follows: () => terms()?.limited === true,
    cost: (text) => costOf(read, text),
    look(text) {
      try {
        const now = terms()
        if (now === undefined) return everything
        // The server was not asked: nobody could tell what a name calls.
        if (callables === undefined)
          return refused('the rules are newer than this session: begin a new one', [])
        return judged(now, withCalled(read(text), callables))
      } catch (thrown) {
        return { refusal: asFailure(thrown) }
      }
    },
  }
}

/** What the server would call by the names of a statement is called by it as much as what its text calls. */
function withCalled(read: ReturnType<ReadStatements>, callables: Callables): ReturnType<ReadStatements> {
  if (typeof read === 'string' || callables.size === 0) return read
  return read.map((facts) => {
    const { spoken } = facts
    if (spoken === undefined) return facts
    const manners = ['attribute', 'operator', 'type', 'function'] as const
    const called = manners.flatMap((manner) =>
      [...spoken[manner]].flatMap((name) => calledBy(callables, manner, name)),
    )
    return called.length === 0 ? facts : { ...facts, calls: [...facts.calls, ...called] }
  })
}

/** What cannot be read is believed to write. */
function costOf(read: ReadStatements, text: string): Cost {
  const facts = read(text)
  if (typeof facts === 'string') return { calls: 1, writes: 1 }
  return { calls: facts.length, writes: facts.filter(mayChange).length }
}

function mayChange({ relations, calls, kept }: StatementFacts): boolean {
  const isRead = relations.every(({ verb }) => verb === 'SELECT' || verb === 'LOCK')
  return !isRead || calls.length > 0 || kept === 'runs'
}

const everything: Looked = { results: [], keeps: false }

function judged(
  terms: NonNullable<ReturnType<Gate['statements']>>,
  read: ReturnType<ReadStatements>,
): Looked {
  if (typeof read === 'string') return refused(read, [])
  const results: ResultRule[] = []
  let keeps = false
  for (const facts of read) {
    const verdict = terms.judge(facts)
    if (verdict.is === 'no') return refused(verdict.reason, verdict.scopes ?? [])
    results.push(verdict.limits)
    keeps ||= facts.kept === 'keeps'
  }
  return { results, keeps }
}

function refused(reason: string, scopes: readonly string[]): Looked {
  const need = scopes.length === 0 ? '' : ` It needs the scope ${scopes.join(' or ')}.`
  return {
    refusal: new Failure('scope_refused', {
      reason: `no scope of the token lists this statement: ${withoutText(reason)}`,
      detail: `The token does not allow this statement: ${reason}.${need}`,
    }),
  }
}

/** A parser that gives up says where, in the caller's own words: they may be a constant, and are not for the log. */
function withoutText(reason: string): string {
  return reason.startsWith('it cannot be parsed') ? reason.replace(/"[\s\S]*"/, '"..."') : reason
}
