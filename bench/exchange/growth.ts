import { dirname, join } from 'node:path'
import { readPolicyFolder } from '@mayfly/broker/decide/folder'
import { openPolicy } from '@mayfly/broker/decide/policies'
import { policyTerm } from '@mayfly/broker/decide/terms'
import { type BrokerFolder, brokerFolder } from './broker-folder.ts'
import { alternate, costRatio } from './measure.ts'
import { prefill } from './prefill.ts'

export interface GrowthParts {
  readonly issuer: string
  readonly url: string
  readonly bodies: (count: number) => readonly Buffer[]
}

interface Size {
  readonly grants: number
  readonly leases?: number
  readonly entries?: number
}

const plan = { rounds: 7, warmUp: 3000, requests: 1500 } as const

/** How many times the CPU an exchange costs when there is much, against when there is little of it. */
export async function growthOf(parts: GrowthParts): Promise<Record<string, number>> {
  const [, thousand, tenThousand] = await compare(parts, [
    { grants: 10 },
    { grants: 1000 },
    { grants: 10_000 },
  ])
  const [, million] = await compare(parts, [
    { grants: 10, leases: 1000, entries: 10_000 },
    { grants: 10, leases: 1_000_000, entries: 1_000_000 },
  ])
  return {
    growth_grants_1000: thousand ?? Number.NaN,
    growth_grants_10000: tenThousand ?? Number.NaN,
    growth_store_1m: million ?? Number.NaN,
  }
}

/** The cost of each size, with that of the first as 1. */
async function compare(parts: GrowthParts, sizes: readonly Size[]): Promise<readonly number[]> {
  const folders: BrokerFolder[] = []
  try {
    for (const size of sizes) {
      const folder = brokerFolder({ issuer: parts.issuer, url: parts.url, grants: size.grants })
      folders.push(folder)
      const { digest } = openPolicy(await readPolicyFolder(join(dirname(folder.config), 'policies')))
      if (size.entries !== undefined)
        await prefill(folder.database, size.leases ?? 0, size.entries, policyTerm(digest))
    }
    const servers = folders.map(({ config }) => ({
      script: './exchange/server-mayfly.ts',
      argument: { config },
    }))
    const [first = [], ...others] = await alternate(servers, { ...plan, bodies: parts.bodies })
    return [1, ...others.map((rounds) => costRatio(rounds, first))]
  } finally {
    for (const folder of folders) folder.remove()
  }
}
