/**
 * search: is there a token that some conditions admit and no others do? It answers with the token, or with the
 * certainty that there is none: regions are split along the very sets that the evaluator asks, until one token is
 * left over or nothing is. It never guesses; when the work would grow beyond its budget, the answer is "unknown".
 */
import { TooLarge } from './automaton.ts'
import { type Box, matches, type TokenClaims } from './box.ts'
import { diff, empty, has, inter, type Lang, witness } from './lang.ts'
import { type PolicyIssuer, wholeOf } from './policy.ts'

/** Pieces that one search may look at. */
const MOST_PIECES = 200_000

/** A set of tokens: one language for each claim; a claim that is not named may be anything that intake accepts. */
export type Region = ReadonlyMap<string, Lang>

export type Found =
  | { readonly is: 'token'; readonly token: TokenClaims; readonly region: Region }
  /** No token is left: the pieces that were looked at are the proof's size. */
  | { readonly is: 'nothing'; readonly pieces: number }
  | { readonly is: 'unknown' }

interface Piece {
  readonly region: Region
  readonly covers: readonly Box[]
}

/** The tokens of `within` (absent: all) that every box admits; `undefined` with the claim that leaves nothing. */
export function regionOf(
  boxes: readonly Box[],
  issuer: PolicyIssuer,
  within: Region = new Map(),
): { readonly region: Region } | { readonly region: undefined; readonly claim: string } {
  const region = new Map(within)
  for (const box of boxes) {
    for (const { claim, lang } of box.values()) {
      const both = inter(region.get(claim) ?? wholeOf(issuer, claim), lang)
      if (empty(both)) return { region: undefined, claim }
      region.set(claim, both)
    }
  }
  return { region }
}

/** A token of the region that no cover matches. */
export function findOutside(region: Region, covers: readonly Box[], issuer: PolicyIssuer): Found {
  try {
    return searched(region, covers, issuer)
  } catch (thrown) {
    if (thrown instanceof TooLarge) return { is: 'unknown' }
    throw thrown
  }
}

function searched(region: Region, covers: readonly Box[], issuer: PolicyIssuer): Found {
  const open: Piece[] = [{ region, covers: touching(covers, region) }]
  for (let pieces = 1; ; pieces++) {
    const piece = open.pop()
    if (piece === undefined) return { is: 'nothing', pieces: pieces - 1 }
    if (pieces > MOST_PIECES) return { is: 'unknown' }
    const token = tokenOf(piece.region, issuer)
    const cover = piece.covers.find((each) => matches(each, token))
    if (cover === undefined) return { is: 'token', token, region: piece.region }
    open.push(...split(piece, cover, issuer))
  }
}

/** The region without the cover, as pieces that do not overlap. */
export function split({ region, covers }: Piece, cover: Box, issuer: PolicyIssuer): readonly Piece[] {
  const pieces: Piece[] = []
  const rest = covers.filter((each) => each !== cover)
  let inside = region
  for (const { claim, lang } of cover.values()) {
    const own = inside.get(claim) ?? wholeOf(issuer, claim)
    const outside = diff(own, lang)
    if (!empty(outside)) {
      const part = new Map(inside).set(claim, outside)
      pieces.push({ region: part, covers: touching(rest, part) })
    }
    const both = inter(own, lang)
    if (empty(both)) return pieces
    inside = new Map(inside).set(claim, both)
  }
  return pieces
}

/** The covers that can match some token of the region. */
function touching(covers: readonly Box[], region: Region): readonly Box[] {
  return covers.filter((cover) => !isDisjoint(cover, region))
}

export function isDisjoint(box: Box, region: Region): boolean {
  for (const { claim, lang } of box.values()) {
    const own = region.get(claim)
    if (own !== undefined && empty(inter(own, lang))) return true
  }
  return false
}

/** A whole token of the region, as everyday as the region allows. */
function tokenOf(region: Region, issuer: PolicyIssuer): TokenClaims {
  const said = new Map<string, string>()
  const missing: string[] = []
  const everyday = issuer.schema.typical(new Map(), issuer.tenants)
  for (const [claim, lang] of region) {
    const usual = everyday.get(claim)
    if (usual !== undefined && has(lang, usual)) continue
    const value = witness(lang)?.value
    if (value === undefined) missing.push(claim)
    else said.set(claim, value)
  }
  return fitted(region, said, missing, issuer)
}

/** What follows from the said values may itself leave the region; then the region's own values win. */
function fitted(
  region: Region,
  said: Map<string, string>,
  missing: readonly string[],
  issuer: PolicyIssuer,
): TokenClaims {
  const token = new Map(issuer.schema.typical(said, issuer.tenants))
  for (const claim of missing) token.delete(claim)
  for (const [claim, lang] of region) {
    if (has(lang, token.get(claim))) continue
    const value = witness(lang)?.value
    if (value === undefined) token.delete(claim)
    else token.set(claim, value)
  }
  return token
}
