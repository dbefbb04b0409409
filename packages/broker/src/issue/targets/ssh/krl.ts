/** Key revocation lists (PROTOCOL.krl), which `sshd` reads as `RevokedKeys`. Pure. */
import { string, uint32, uint64 } from './wire.ts'

/** Certificates of one authority that are no longer good. */
export interface RevokedSerials {
  /** The authority's public key as on the wire; empty: of whatever authority. */
  readonly authority: Uint8Array
  readonly serials: Iterable<bigint>
}

export interface RevocationList {
  /** Rises with each change. */
  readonly version: number
  readonly generatedAt: number
  readonly comment: string
  readonly revoked: readonly RevokedSerials[]
}

const magic = Buffer.from('SSHKRL\n\0', 'latin1')
const formatVersion = 1
const certificates = 1
const serialList = 0x20
const serialRange = 0x21
/** A range is sixteen bytes and five of its head: fewer serials than this are shorter as a list. */
const worthRange = 4

/** The list as a file. Serial 0 means "none" to OpenSSH and cannot be revoked: `RangeError`. */
export function revocationList(list: RevocationList): Buffer {
  const sections = list.revoked.map(({ authority, serials }) => {
    const body = serialSections([...new Set(serials)])
    // A section for an authority has to hold something.
    if (body.length === 0) return Buffer.alloc(0)
    return section(certificates, Buffer.concat([string(authority), string(''), body]))
  })
  return Buffer.concat([
    magic,
    uint32(formatVersion),
    uint64(list.version),
    uint64(list.generatedAt),
    uint64(0),
    string(''),
    string(list.comment),
    ...sections,
  ])
}

function serialSections(serials: readonly bigint[]): Buffer {
  if (serials.some((serial) => serial < 1n)) throw new RangeError('serial 0 cannot be revoked')
  const sorted = [...serials].sort((a, b) => (a < b ? -1 : 1))
  const parts: Buffer[] = []
  let listed: Buffer[] = []
  const finishList = () => {
    if (listed.length > 0) parts.push(section(serialList, Buffer.concat(listed)))
    listed = []
  }
  for (const run of runsOf(sorted)) {
    if (run.length < worthRange) {
      listed.push(...run.map((serial) => uint64(serial)))
      continue
    }
    finishList()
    parts.push(section(serialRange, Buffer.concat([uint64(run[0] ?? 0n), uint64(run.at(-1) ?? 0n)])))
  }
  finishList()
  return Buffer.concat(parts)
}

/** Serials that follow one another without a gap. */
function runsOf(sorted: readonly bigint[]): bigint[][] {
  const runs: bigint[][] = []
  for (const serial of sorted) {
    const run = runs.at(-1)
    if (run !== undefined && run.at(-1) === serial - 1n) run.push(serial)
    else runs.push([serial])
  }
  return runs
}

function section(type: number, data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type), string(data)])
}
