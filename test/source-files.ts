import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** A source file of the product: where it is, what it says, what it imports (paths inside the repository). */
export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly imports: readonly { readonly from: string; readonly typeOnly: boolean; readonly names: string }[]
}

const importPattern =
  /^(import|export)\s+(type\s+)?([^'";]*?)\s*from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)/gm

/** Every TypeScript source of the packages, tests left out. */
export function productSources(): readonly SourceFile[] {
  return globSync('packages/*/src/**/*.ts')
    .filter((path) => !path.endsWith('.test.ts'))
    .sort()
    .map(readSource)
}

function readSource(path: string): SourceFile {
  const text = readFileSync(path, 'utf8')
  const imports = [...text.matchAll(importPattern)].map((match) => {
    const names = match[3] ?? ''
    return {
      from: resolveImport(path, match[4] ?? match[5] ?? match[6] ?? ''),
      typeOnly: match[2] !== undefined || onlyTypes(names),
      names,
    }
  })
  return { path, text, imports }
}

function onlyTypes(names: string): boolean {
  const inner = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1]
  if (inner === undefined) return false
  const parts = inner.split(',').filter((part) => part.trim() !== '')
  return parts.length > 0 && parts.every((part) => part.trim().startsWith('type '))
}

/** `./x.ts` becomes a path from the root, `@mayfly/policy/load` becomes `packages/policy/src/load.ts`. */
function resolveImport(path: string, from: string): string {
  if (from.startsWith('.')) return normalize(join(dirname(path), from))
  const own = /^@mayfly\/([a-z]+)\/(.+)$/.exec(from)
  return own === null ? from : `packages/${own[1]}/src/${own[2]}.ts`
}
