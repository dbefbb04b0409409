/** policy-tests: a policy's own examples, run at every load. One that fails is an error: the policy is not used. */
import { type DecisionRequest, decide } from '../decide.ts'
import { blamedClaims, explain } from '../explain.ts'
import { didYouMean } from '../nearest.ts'
import type { Policy } from '../policy.ts'
import type { Place } from '../problem.ts'
import { memberName, valuesOfList } from '../schema/list-claims.ts'
import { meaningOf } from './conditions.ts'
import type { Faults } from './faults.ts'
import { fields, mapOf, Names, textOf } from './shape.ts'
import { readTestToken } from './test-token.ts'
import type { Entry, MapTree, Tree } from './tree.ts'
import { type Vocabularies, type Vocabulary, vocabularyOf } from './vocabulary.ts'

/** What a test asked, and the grants that answered (none = refused). */
export interface TestResult {
  readonly name: string
  readonly place: Place
  readonly target: string
  readonly expect: 'grant' | 'deny'
  readonly grants: readonly string[]
}

interface PolicyTest {
  readonly name: string
  readonly place: Place
  readonly request: DecisionRequest
  readonly expect: 'grant' | 'deny'
  readonly because: Entry | undefined
  readonly vocabulary: Vocabulary
}

export function runPolicyTests(
  trees: readonly Tree[],
  policy: Policy,
  vocabularies: Vocabularies,
  faults: Faults,
): readonly TestResult[] {
  const names = new Names('test')
  return trees.flatMap((tree) => {
    const test = readTest(tree, policy, names, vocabularies, faults)
    return test === undefined ? [] : [run(test, policy)]
  })
}

function run(test: PolicyTest, policy: Policy): TestResult {
  const { request, place, name, expect, because, vocabulary } = test
  const { faults } = vocabulary
  const decision = decide(policy, request)
  const grants = decision.allowed ? decision.grants : []
  const result = { name, place, target: request.target, expect, grants }
  if (decision.allowed && expect === 'deny') {
    faults.error(
      'P037',
      place,
      `test \`${name}\` fails: the token is granted by ${decision.grants.join(', ')}`,
    )
  } else if (!decision.allowed && expect === 'grant') {
    const { summary } = explain(policy, request, 'administrator')
    faults.error('P037', place, `test \`${name}\` fails: the token is refused`, summary)
  } else if (because !== undefined) checkBecause(because, test, policy)
  return result
}

function checkBecause(because: Entry, test: PolicyTest, policy: Policy): void {
  const { vocabulary } = test
  const wanted = claimsNamed(because, vocabulary)
  if (wanted === undefined) return
  const blamed = blamedClaims(policy, test.request)
  if (blamed.some((claim) => wanted.includes(claim))) return
  const message = `test \`${test.name}\` fails: it is refused, but because of ${blamed.join(', ') || 'nothing that a claim says'}`
  vocabulary.faults.error('P037', because.value.place, message)
}

/** A claim, or a shorthand for one or more. */
function claimsNamed(because: Entry, vocabulary: Vocabulary): readonly string[] | undefined {
  const key = textOf(because.value, '`because`', vocabulary.faults)
  if (key === undefined) return undefined
  if (key === 'workflow' && vocabulary.issuer.schema.workflow !== undefined)
    return ['workflow.repo', 'workflow.file', 'workflow.ref', 'job_workflow_ref']
  const values = valuesOfList(vocabulary.issuer.properties, key)
  if (values !== undefined) return [key, ...values.map((value) => memberName({ list: key, value }))]
  const meaning = meaningOf({ ...because, key, place: because.value.place }, vocabulary)
  return meaning && [meaning.claim.name, ...(meaning.patternClaim ? [meaning.patternClaim.name] : [])]
}

function readTest(
  tree: Tree,
  policy: Policy,
  names: Names,
  vocabularies: Vocabularies,
  faults: Faults,
): PolicyTest | undefined {
  const map = mapOf(tree, 'a test', faults)
  if (map === undefined) return undefined
  const keys = fields(map, ['name', 'issuer', 'token', 'asks', 'scopes', 'expect', 'because'], faults)
  const vocabulary = vocabularyOf(map, keys.get('issuer'), vocabularies, faults)
  if (vocabulary === undefined) return undefined
  const named = required(map, keys, 'name', vocabulary)
  const name = named && textOf(named.value, '`name`', faults)
  if (named === undefined || name === undefined || !names.take(name, named.value.place, faults))
    return undefined
  const token = required(map, keys, 'token', vocabulary)
  const claims = token && readTestToken(token.value, vocabulary)
  const target = readAsks(required(map, keys, 'asks', vocabulary), policy, vocabulary)
  const expect = readExpect(required(map, keys, 'expect', vocabulary), keys.get('because'), vocabulary)
  const scopes = readScopes(keys.get('scopes'), vocabulary)
  if (claims === undefined || target === undefined || expect === undefined) return undefined
  const request = {
    issuer: vocabulary.issuer.name,
    claims,
    target,
    ...(scopes === undefined ? {} : { scopes }),
  }
  return { name, place: named.value.place, request, expect, because: keys.get('because'), vocabulary }
}

function required(
  map: MapTree,
  keys: ReadonlyMap<string, Entry>,
  key: string,
  { faults }: Vocabulary,
): Entry | undefined {
  const entry = keys.get(key)
  if (entry === undefined) faults.error('P022', map.place, `the test has no \`${key}\``)
  return entry
}

/** A target that does not exist may be asked for by a test that expects a refusal, but hardly on purpose. */
function readAsks(entry: Entry | undefined, policy: Policy, { faults }: Vocabulary): string | undefined {
  const name = entry && textOf(entry.value, '`asks`', faults)
  if (entry === undefined || name === undefined || policy.targets.has(name)) return name
  faults.error(
    'P026',
    entry.value.place,
    `unknown target \`${name}\``,
    didYouMean(name, policy.targets.keys()),
  )
  return undefined
}

function readExpect(
  entry: Entry | undefined,
  because: Entry | undefined,
  { faults }: Vocabulary,
): 'grant' | 'deny' | undefined {
  if (entry === undefined) return undefined
  const said = entry.value.is === 'text' ? entry.value.text : undefined
  if (said === 'deny' || (said === 'grant' && because === undefined)) return said
  if (said === 'grant' && because !== undefined)
    faults.error('P022', because.place, '`because` belongs to expect: deny')
  else faults.error('P022', entry.value.place, '`expect` is grant or deny')
  return undefined
}

function readScopes(entry: Entry | undefined, { faults }: Vocabulary): readonly string[] | undefined {
  if (entry === undefined) return undefined
  const items = entry.value.is === 'list' ? entry.value.items : [entry.value]
  return items.map((item) => textOf(item, 'a scope', faults)).filter((scope) => scope !== undefined)
}
