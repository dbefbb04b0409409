/** values: one exact value or pattern of a condition, checked and turned into what the claim has. */
import { compileGlob, globFault } from '../glob.ts'
import { contains, empty, has, inter, type Lang } from '../lang.ts'
import { didYouMean } from '../nearest.ts'
import { foldAscii } from '../schema/fold.ts'
import type { ClaimSchema, LockSection } from '../schema/schema.ts'
import { notLocked } from './lock.ts'
import { cleanText, oneOrMore } from './shape.ts'
import type { ScalarTree, Tree } from './tree.ts'
import { type Meaning, mayUse, type Vocabulary } from './vocabulary.ts'

/** A value as the claim has it, and as the policy's reader knows it. */
export interface ExactValue {
  readonly value: string
  readonly name: string
}

/** `x`, `[x, y]`, `$list`, or lists inside lists of values. */
export function readExact(
  tree: Tree,
  meaning: Meaning,
  vocabulary: Vocabulary,
): readonly ExactValue[] | undefined {
  const { faults } = vocabulary
  const items = oneOrMore(tree)
  if (items.length === 0) faults.error('P022', tree.place, 'the list is empty; it would match nothing')
  const values = items.flatMap((item) => {
    if (item.is === 'text' && item.text.startsWith('$')) return fromList(item, meaning, vocabulary)
    return [oneValue(item, meaning, vocabulary)]
  })
  const good = values.filter((value) => value !== undefined)
  return good.length === values.length && good.length > 0 ? good : undefined
}

function fromList(
  use: ScalarTree,
  meaning: Meaning,
  vocabulary: Vocabulary,
): readonly (ExactValue | undefined)[] {
  const name = use.text.slice(1)
  const list = vocabulary.lists.get(name)
  if (list !== undefined && !mayUse(use.text, use.place, list.place, vocabulary)) return [undefined]
  if (list !== undefined) return list.items.map((item) => oneValue(item, meaning, vocabulary))
  vocabulary.faults.error(
    'P001',
    use.place,
    `unknown list \`${use.text}\``,
    didYouMean(name, vocabulary.lists.keys()),
  )
  return [undefined]
}

function oneValue(tree: Tree, meaning: Meaning, vocabulary: Vocabulary): ExactValue | undefined {
  const { faults } = vocabulary
  const { claim } = meaning
  if (tree.is === 'map' || tree.is === 'list') {
    faults.error('P022', tree.place, `\`${meaning.key}\` needs a value here`)
    return undefined
  }
  const unquoted =
    (claim.form === 'id' && tree.is === 'number') || (claim.form === 'boolean' && tree.is === 'boolean')
  if (tree.is !== 'text' && !unquoted) {
    faults.error('P022', tree.place, `\`${tree.text}\` is a ${tree.is} where text is meant`, 'quote it')
    return undefined
  }
  if (!cleanText(tree, faults)) return undefined
  if (/[*?]/.test(tree.text)) {
    const hint = `write { like: "${tree.text}" }`
    faults.error('P003', tree.place, `\`${tree.text}\` is compared exactly; \`*\` has no meaning here`, hint)
    return undefined
  }
  return meaning.section === undefined
    ? literalValue(tree, meaning, vocabulary)
    : lockedValue(tree, meaning.section, vocabulary)
}

function lockedValue(tree: ScalarTree, section: LockSection, vocabulary: Vocabulary): ExactValue | undefined {
  const name = foldAscii(tree.text)
  const id = vocabulary.lock[section].get(name)
  if (id !== undefined) return { value: id, name }
  const hint = didYouMean(name, vocabulary.lock[section].keys()) ?? 'run `mayfly policy lock`'
  vocabulary.faults.error('P013', tree.place, notLocked(tree.text, section), hint)
  return undefined
}

function literalValue(tree: ScalarTree, meaning: Meaning, vocabulary: Vocabulary): ExactValue | undefined {
  const { claim, prefix, key } = meaning
  const written = prefix + tree.text
  const value = claim.folded ? foldAscii(written) : written
  if (!has(claim.domain, value) || (prefix !== '' && tree.text.startsWith('refs/'))) {
    vocabulary.faults.error(
      'P006',
      tree.place,
      `\`${tree.text}\` can never be a value of \`${key}\``,
      domainHint(meaning, tree),
    )
    return undefined
  }
  noteSpelling(claim, value, tree, vocabulary)
  return { value, name: value }
}

function domainHint(meaning: Meaning, tree: ScalarTree): string | undefined {
  if (meaning.prefix !== '') return `\`${meaning.key}\` takes the name without ${meaning.prefix}`
  if (meaning.claim.form === 'id') return `\`${meaning.key}\` is an id, written as digits`
  if (/^(?:vcs_)?ref(?:_path)?$/.test(meaning.claim.name)) return `did you mean branch: ${tree.text}?`
  if (meaning.claim.name === 'workflow.file') return 'a file is .github/workflows/NAME.yml'
  if (meaning.claim.name === 'workflow.ref')
    return `did you mean refs/heads/${tree.text} or refs/tags/${tree.text}?`
  if (meaning.claim.name.endsWith('repo') || meaning.claim.name === 'repository')
    return 'a repository is OWNER/NAME'
  return undefined
}

/** Refs and the like respect case: two spellings in one policy are probably one mistake. */
function noteSpelling(claim: ClaimSchema, value: string, tree: ScalarTree, vocabulary: Vocabulary): void {
  if (claim.folded || claim.form !== 'text') return
  const key = `${claim.name} ${value.toLowerCase()}`
  const first = vocabulary.spellings.get(key)
  if (first === undefined) vocabulary.spellings.set(key, { value, place: tree.place })
  else if (first.value !== value) {
    const message = `\`${value}\` differs only in case from \`${first.value}\`; \`${claim.name}\` respects case`
    vocabulary.faults.warning('P030', tree.place, message, `first at ${first.place.path}:${first.place.line}`)
  }
}

/** A pattern's set of values, and the pattern as it is compared. */
export interface Pattern {
  readonly lang: Lang
  readonly text: string
}

export function readPattern(tree: Tree, meaning: Meaning, vocabulary: Vocabulary): Pattern | undefined {
  const { faults } = vocabulary
  if (tree.is !== 'text') {
    faults.error('P022', tree.place, '`like` needs a text with `*`', 'quote it')
    return undefined
  }
  if (!cleanText(tree, faults)) return undefined
  const claim = meaning.patternClaim
  if (claim === undefined) {
    const [code, why] = meaning.key === 'owner' ? ['P033', 'an owner'] : ['P006', `\`${meaning.key}\``]
    faults.error(code, tree.place, `${why} is compared by id, a pattern has no meaning`, 'list the names')
    return undefined
  }
  const fault = tree.text.startsWith('$')
    ? 'lists hold exact values; `like` takes patterns'
    : globFault(tree.text)
  if (fault !== undefined) {
    faults.error('P005', tree.place, `\`${tree.text}\`: ${fault}`)
    return undefined
  }
  return patternOf(tree, claim, meaning, vocabulary)
}

function patternOf(
  tree: ScalarTree,
  claim: ClaimSchema,
  meaning: Meaning,
  vocabulary: Vocabulary,
): Pattern | undefined {
  const { faults } = vocabulary
  const written = claim.name === meaning.claim.name ? meaning.prefix + tree.text : tree.text
  const text = claim.folded ? foldAscii(written) : written
  const owned = claim.owned === undefined ? undefined : text.split('/').slice(0, claim.owned + 1)
  if (owned?.some((segment) => segment.includes('*'))) {
    faults.error(
      'P033',
      tree.place,
      `\`${tree.text}\` has a wildcard in the owner`,
      'anyone can register an owner; name it',
    )
    return undefined
  }
  if (owned !== undefined && /\/[^*]*[a-z0-9]\*/.test(text)) {
    const evil = text.replace('*', '-evil')
    faults.warning(
      'P033',
      tree.place,
      `\`${tree.text}\` also matches ${evil}`,
      'end the name with a separator: `-*`',
    )
  }
  const lang = patternLang(claim, text, vocabulary)
  if (empty(lang)) {
    faults.error(
      'P006',
      tree.place,
      `\`${tree.text}\` can never match \`${claim.name}\``,
      domainHint(meaning, tree),
    )
    return undefined
  }
  if (matchesAll(lang, claim)) {
    faults.error(
      'P004',
      tree.place,
      `\`${tree.text}\` matches everything`,
      'say { any: true } if you mean it',
    )
    return undefined
  }
  return { lang, text }
}

function patternLang(claim: ClaimSchema, text: string, vocabulary: Vocabulary): Lang {
  const key = `${claim.name} ${text}`
  const lang = vocabulary.patterns.get(key) ?? inter(claim.domain, compileGlob(text))
  vocabulary.patterns.set(key, lang)
  return lang
}

const oneSegment = compileGlob('*')
const anyDepth = compileGlob('**')

/** Everything that some pattern can say about the claim. */
function matchesAll(lang: Lang, claim: ClaimSchema): boolean {
  return [oneSegment, anyDepth].some((most) => {
    const whole = inter(claim.domain, most)
    return !empty(whole) && contains(lang, whole)
  })
}
