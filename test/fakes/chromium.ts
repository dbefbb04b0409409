import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { debianProgram } from './debian-package.ts'

const known = [
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** The program; Debian's where none is installed. */
export function chromium(): string {
  const found = known.find((path) => existsSync(path))
  return found ?? debianProgram('/usr/bin/chromium-headless-shell', 'chromium-headless-shell')
}

/** The page's document, as HTML, when its scripts have run in a real browser without a window. */
export function documentOf(page: string): string {
  // As root, and in many containers, Chromium has no sandbox; the page is our own.
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--dump-dom']
  const quiet = ['--virtual-time-budget=60000', '--no-first-run', '--disable-background-networking']
  return execFileSync(chromium(), [...flags, ...quiet, page], {
    encoding: 'utf8',
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}
