/**
 * One meaning: evaluator, prover, diff and explanations test a claim with `has` and `matches`, the same objects for
 * all, and with nothing else. Were there a second way, the prover could prove something that the evaluator does not do.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { productSources, type SourceFile } from './source-files.ts'

const room = 'packages/policy/src/'
const sources = productSources().filter(({ path }) => path.startsWith(room))
const inside = ({ path }: SourceFile) => path.slice(room.length)

interface Rule {
  readonly says: string
  readonly broken: (file: SourceFile) => readonly string[]
  /** A source that breaks it, so that the rule is known to bite. */
  readonly example: string
}

/** Names that a file imports from a module of the package. */
function imported({ imports }: SourceFile, module: string): readonly string[] {
  const own = imports.filter(({ from, typeOnly }) => from === room + module && !typeOnly)
  return own.flatMap(({ names }) => names.replaceAll(/[{}]/g, '').split(',')).map((name) => name.trim())
}

/** Lines of the code, without comments. */
function lines({ text }: SourceFile): readonly string[] {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s)\/\/.*$/, ''))
}

const offending = (file: SourceFile, pattern: RegExp) => lines(file).filter((line) => pattern.test(line))

/** These read a claim's value to find, count or show it; they may not compare it. */
const readers = [
  'box.ts',
  'counterexample.ts',
  'entry-tree.ts',
  'explain.ts',
  'failing.ts',
  'search.ts',
  'used.ts',
]

const rules: readonly Rule[] = [
  {
    says: 'only languages walk automata',
    broken: (file) => {
      if (/^(lang|automaton|automaton-words)\.ts$/.test(inside(file))) return []
      const walking = ['accepts', 'combine', 'isEmpty']
      const words = file.imports.filter(({ from }) => from === `${room}automaton-words.ts`)
      return [
        ...imported(file, 'automaton.ts').filter((name) => walking.includes(name)),
        ...words.map(({ names }) => names),
      ]
    },
    example: "import { accepts } from './automaton.ts'\n",
  },
  {
    says: 'only languages look into languages',
    // The key by which a diff remembers a language is made of all that is in it, and so is its text as JSON.
    broken: (file) =>
      ['lang.ts', 'content-key.ts', 'compiled.ts'].includes(inside(file))
        ? []
        : offending(file, /\.(plus|minus|automaton)\b/),
    example: 'const known = condition.lang.plus.has(value)\n',
  },
  {
    says: 'nothing else is called as the tests of a claim are',
    broken: (file) =>
      /^(lang|box|automaton)\.ts$/.test(inside(file))
        ? []
        : offending(file, /\b(function|const) (has|matches|accepts)\b/),
    example: 'function matches(box: Box, token: TokenClaims): boolean {\n',
  },
  {
    says: "a token's claims are read by those who find or show them",
    broken: (file) =>
      readers.includes(inside(file)) || /^(schema|read)\//.test(inside(file))
        ? []
        : offending(file, /\btoken(\?)?\.(get|has|entries|values)\(|\bof token\b/),
    example: "const environment = token.get('environment')\n",
  },
  {
    says: 'no claim is compared but through its language',
    broken: (file) =>
      /^(schema|read)\//.test(inside(file))
        ? []
        : offending(
            file,
            /token\.get\([^)]*\)(\)|\s)*([!=]==|\?*\.(startsWith|endsWith|includes|match|localeCompare))|(test|includes|has)\(token\.get\(/,
          ).filter((line) => !repositoryHint(file, line)),
    example: "if (token.get('ref') === 'refs/heads/main') return true\n",
  },
  {
    says: 'what a rule said is for people: nothing that decides or proves reads it',
    // An export takes patterns from there, and proves them against the language before it writes one.
    broken: (file) =>
      /^(box|counterexample|explain|failing|tighten|convert\/pieces)\.ts$|^(read|check)\//.test(inside(file))
        ? []
        : offending(file, /\.(sayings|needed)\b/),
    example: 'const wanted = condition.sayings.flatMap(({ values }) => values)\n',
  },
]

/** "The same name has another id" is a hint in an explanation of what has been decided already. */
function repositoryHint(file: SourceFile, line: string): boolean {
  return inside(file) === 'failing.ts' && line.includes("names.includes(token.get('repository') ?? '')")
}

for (const { says, broken, example } of rules) {
  test(says, () => {
    const found = sources.flatMap((file) => broken(file).map((fault) => `${inside(file)}: ${fault.trim()}`))
    assert.deepEqual(found, [])
    const imports = [...example.matchAll(/import (\{.*\}) from '\.\/(.*)'/g)].map(([, names = '', from]) => ({
      from: room + from,
      typeOnly: false,
      names,
    }))
    const planted: SourceFile = { path: `${room}decide.ts`, text: example, imports }
    assert.ok(broken(planted).length > 0, 'the rule would not see its own example')
  })
}

test('whoever judges tokens asks the same two functions', () => {
  const asks: Readonly<Record<string, readonly [module: string, name: string]>> = {
    'decide.ts': ['box.ts', 'matches'],
    'search.ts': ['box.ts', 'matches'],
    'counterexample.ts': ['box.ts', 'matches'],
    'failing.ts': ['lang.ts', 'has'],
    'box.ts': ['lang.ts', 'has'],
  }
  for (const [path, [module, name]] of Object.entries(asks)) {
    const file = sources.find((each) => inside(each) === path)
    assert.ok(file !== undefined, path)
    assert.ok(imported(file, module).includes(name), `${path} does not ask ${name} of ${module}`)
  }
  // Prover and diff judge no token themselves: they leave it to the search.
  for (const path of ['prove.ts', 'diff-access.ts']) {
    const file = sources.find((each) => inside(each) === path)
    assert.ok(
      file?.imports.some(({ from }) => from === `${room}search.ts`),
      path,
    )
  }
})
