/** scan/triggers: whose doing starts a job, as far as its own condition narrows it. */
import { referencesOf, type Tree } from './expression.ts'

/** Anybody with an account can cause them, and the job still has the repository's secrets and a token that writes. */
export const outsiders: ReadonlySet<string> = new Set([
  'pull_request_target',
  'workflow_run',
  'issue_comment',
  'issues',
  'discussion',
  'discussion_comment',
  'fork',
  'watch',
])

/** Without those that the condition rules out by `github.event_name`. */
export function narrowedTriggers(
  triggers: ReadonlySet<string>,
  condition: Tree | undefined,
): ReadonlySet<string> {
  if (condition === undefined) return triggers
  return new Set([...triggers].filter((event) => mayHold(condition, event)))
}

/** False only when the condition cannot hold for the event. */
function mayHold(tree: Tree, event: string): boolean {
  if (tree.is === 'and') return tree.of.every((each) => mayHold(each, event))
  if (tree.is === 'or') return tree.of.some((each) => mayHold(each, event))
  if (tree.is !== 'compare') return true
  const [left, right] = tree.of
  const [name, value] = left?.is === 'literal' ? [right, left] : [left, right]
  if (name?.is !== 'reference' || value?.is !== 'literal') return true
  if (name.path.join('.').toLowerCase() !== 'github.event_name') return true
  const same = value.text.toLowerCase() === event
  return tree.sign === '==' ? same : tree.sign === '!=' ? !same : true
}

/** Paths by which a condition can ask who did it. */
const who = [
  /author_association$/,
  /^github\.(?:actor|triggering_actor|actor_id)$/,
  /^github\.event\.(?:sender|comment\.user|issue\.user|pull_request\.user|review\.user)\./,
  /head\.repo\.(?:full_name|fork|owner|id)/,
  /head_repository\.(?:full_name|fork|owner|id)/,
  /^github\.event\.workflow_run\.event$/,
]

/** True when a condition can only hold after it asked who did it, or whether the code is of a fork. */
export function asksWho(tree: Tree | undefined): boolean {
  if (tree === undefined) return false
  if (tree.is === 'and') return tree.of.some(asksWho)
  if (tree.is === 'or') return tree.of.every(asksWho)
  return referencesOf(tree).some(({ path }) => who.some((each) => each.test(path.join('.'))))
}
