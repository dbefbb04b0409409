/** The pages of the documentation, and what they show. */
import { globSync, readFileSync } from 'node:fs'

export const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'test/*.md', 'packages/*/*.md'], {
  exclude: (path) => path.includes('node_modules'),
}).sort()

/** A fenced block. */
export interface Block {
  readonly page: string
  readonly language: string
  readonly text: string
}

export const blocks = pages.flatMap(blocksOf)

/** Fenced blocks, without the indentation of the list item that they stand in. */
function blocksOf(page: string): readonly Block[] {
  const fence = /^( *)```([a-z]+)\n(.*?)^ *```$/gms
  return [...readFileSync(page, 'utf8').matchAll(fence)].map(([, indent = '', language = '', text = '']) => ({
    page,
    language,
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }))
}
