/**
 * The exhaustive engine is itself tested: a copy of the package gets one fault, and the engine must turn red about
 * it. Were it green, a real fault of that kind could live here unseen.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

interface Fault {
  readonly what: string
  readonly file: string
  readonly right: string
  readonly wrong: string
}

const faults: readonly Fault[] = [
  {
    what: 'evaluator and prover: a missing claim satisfies `not`',
    file: 'read/matcher.ts',
    right: 'withMissing(found.lang, missing)',
    wrong: "withMissing(found.lang, missing || operator.key === 'not')",
  },
  {
    what: 'evaluator and prover: `absent` means that there is a value',
    file: 'read/matcher.ts',
    right: "key === 'any' ? meaning.claim.domain : onlyMissing",
    wrong: 'meaning.claim.domain',
  },
  {
    what: 'evaluator: deny rules are not asked',
    file: 'decide.ts',
    right: "if (denied !== undefined) return refuse('denied'",
    wrong: "if (denied === null) return refuse('denied'",
  },
  {
    what: 'evaluator: the profile is not asked',
    file: 'decide.ts',
    right: 'if (profile !== undefined)',
    wrong: 'if (profile === null)',
  },
  {
    what: 'evaluator: the second lock looks at one box only',
    file: 'decide.ts',
    right: 'boxes.some((box) => matches(box, token)) === never',
    wrong: 'boxes.slice(0, 1).some((box) => matches(box, token)) === never',
  },
  {
    what: 'evaluator: of many grants, those that list no values are not found',
    file: 'entry-tree.ts',
    right: '  gather(tree.open, token, found)\n',
    wrong: '',
  },
  {
    what: 'automata: the difference of two is the first',
    file: 'automaton.ts',
    right: 'inA && inB : inA && !inB',
    wrong: 'inA && inB : inA',
  },
  {
    what: 'automata: `*` crosses a slash',
    file: 'glob.ts',
    right: "lettersExcept('/:@')",
    wrong: "lettersExcept(':@')",
  },
  {
    what: 'languages: what the second leaves out is lost in a difference',
    file: 'lang.ts',
    right: ', [b.minus, (word) => !a.plus.has(word) && has(a, word)]',
    wrong: '',
  },
  {
    what: 'languages: a witness is never one of the listed values',
    file: 'lang.ts',
    right: 'for (const value of lang.plus) return { value }',
    wrong: '',
  },
  {
    what: 'prover: deny rules are not covers',
    file: 'prove.ts',
    right: '.map(({ box }) => box), ...denies]',
    wrong: '.map(({ box }) => box), ...denies.slice(1)]',
  },
  {
    what: 'prover: `only` forgets a box',
    file: 'prove.ts',
    right: 'outside(policy, [giving], giving.region, boxes)',
    wrong: 'outside(policy, [giving], giving.region, boxes.slice(1))',
  },
  {
    what: 'prover: `always` forgets the deny rules',
    file: 'prove.ts',
    right: "if (found !== undefined && found.is !== 'nothing') return found\n    pieces",
    wrong: 'pieces',
  },
  {
    what: 'prover: the selected scopes are all scopes',
    file: 'giving.ts',
    right: 'scopes.filter((scope) => wanted.has(scope))',
    wrong: 'scopes',
  },
  {
    what: 'prover: pairs are made without the boxes that list no values',
    file: 'pairs.ts',
    right: '[...lists.flat(), ...index.open]',
    wrong: 'lists.flat()',
  },
]

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'mayfly-planted-'))
after(() => rmSync(folder, { recursive: true }))
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')

/** What the engine finds in a copy of the package that has this fault. */
async function engineOn(name: string, fault?: Fault): Promise<readonly string[]> {
  const copy = join(folder, name)
  for (const part of ['src', 'test', 'package.json'])
    cpSync(join(root, 'packages/policy', part), join(copy, part), { recursive: true })
  if (fault !== undefined) {
    const path = join(copy, 'src', fault.file)
    const text = readFileSync(path, 'utf8')
    assert.equal(text.split(fault.right).length, 2, `${fault.file} has \`${fault.right}\` exactly once`)
    writeFileSync(
      path,
      text.replace(fault.right, () => fault.wrong),
    )
  }
  const engine = pathToFileURL(join(copy, 'test/exhaustive.ts')).href
  const script = `const { exhaust } = await import(${JSON.stringify(engine)})
    console.log(JSON.stringify(exhaust(1, ${fault === undefined ? 500 : 3000}, 1).faults.map((fault) => fault.split('\\n')[0])))`
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '--eval', script], (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as readonly string[])
      else reject(error)
    })
  })
}

describe('the exhaustive engine', { concurrency: 2 }, () => {
  test('finds nothing where nothing was planted', async () => {
    assert.deepEqual(await engineOn('sound'), [])
  })

  for (const [at, fault] of faults.entries()) {
    test(`turns red: ${fault.what}`, async () => {
      const found = await engineOn(`fault-${at}`, fault)
      // A crash would turn it red as well, and tell nothing of the engine.
      assert.ok(found.length > 0, 'the engine saw nothing')
      assert.match(found.join('\n'), /the prover says|decided|does not break it/)
    })
  }
})
