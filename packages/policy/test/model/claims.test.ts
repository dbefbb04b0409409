import assert from 'node:assert/strict'
import { test } from 'node:test'
import { has } from '../../src/lang.ts'
import { github } from '../../src/schema/github.ts'
import { Chance } from './chance.ts'
import { githubClaims, type ModelClaim, otherClaims } from './claims.ts'
import { globMatches } from './reference.ts'
import { classOf } from './space.ts'

const pieces = [
  '',
  'a',
  'a-',
  '-x',
  'x',
  'p',
  'pr',
  'prod-',
  'y',
  'z',
  '1',
  'main',
  'r',
  'v',
  'ops',
  'pay',
  'robot',
  '_run',
  '-',
  '/',
  '@',
  ':',
]

/** Some text that the pattern or value suggests: its wildcards filled, now and then something cut off or put to. */
function nearby(chance: Chance, text: string): string {
  const filled = text.replaceAll(/\*+/g, () => chance.some(pieces, 0, 3).join(''))
  if (chance.yes(0.7)) return filled
  const cut = chance.below(filled.length + 1)
  return filled.slice(0, cut) + chance.one(pieces) + filled.slice(cut + chance.below(3))
}

function inDomain({ claim }: ModelClaim, text: string): boolean {
  const known = github.claims.get(claim)
  return known === undefined ? text !== '' : has(known.domain, text)
}

test('the small space has a value for every way in which values and patterns of a claim can overlap', () => {
  const chance = new Chance(1)
  for (const claim of [...githubClaims, ...otherClaims]) {
    const kindOf = (text: string) => {
      const same = claim.exact.map((value) => value === text)
      const like = claim.globs.map((glob) => globMatches(glob, text))
      return [classOf(claim.claim, text), ...same, ...like].join()
    }
    const known = new Set([...claim.exact, ...claim.others].map(kindOf))
    for (const value of [...claim.exact, ...claim.others]) assert.ok(inDomain(claim, value), value)
    const forgotten: string[] = []
    for (let count = 0; count < 20_000; count++) {
      const text = nearby(chance, chance.one([...claim.globs, ...claim.exact, ...claim.others]))
      if (known.has(kindOf(text)) || !inDomain(claim, text)) continue
      known.add(kindOf(text))
      forgotten.push(text)
    }
    assert.deepEqual(forgotten, [], `${claim.claim}: nothing in the space is like these`)
  }
})
