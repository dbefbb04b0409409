/** The log of a job: carries out the commands in it, and shows nothing that was masked before. */
export interface JobLog {
  step(): StepLog
}

export interface StepLog {
  /** Takes output as it comes. */
  readonly write: (text: string) => void
  /** Everything that was written, as a person sees it. */
  readonly lines: () => readonly string[]
  /** What was masked in this step. */
  readonly masked: () => readonly string[]
}

/** Masks hold for the whole job: for this step and every later one. */
export function openLog(): JobLog {
  const masks = new Set<string>()
  return {
    step: () => {
      const shown: string[] = []
      const masked: string[] = []
      let rest = ''
      const take = (line: string) => {
        const mask = /^::add-mask::(.+)$/.exec(line)?.[1]
        if (mask === undefined) {
          shown.push(hidden(annotated(line), masks))
          return
        }
        masks.add(unescaped(mask))
        masked.push(unescaped(mask))
        shown.push('::add-mask::***')
      }
      return {
        write: (text) => {
          const lines = (rest + text).split(/\r?\n/)
          rest = lines.pop() ?? ''
          for (const line of lines) take(line)
        },
        lines: () => {
          if (rest !== '') take(rest)
          rest = ''
          return shown.flatMap((line) => line.split('\n'))
        },
        masked: () => masked,
      }
    },
  }
}

/** `::error title=T::text` is shown as `Error: T: text`. */
function annotated(line: string): string {
  const [, kind, title, text] = /^::(error|warning|notice)(?: title=([^:]*))?::(.*)$/.exec(line) ?? []
  if (kind === undefined || text === undefined) return line
  const parts = [kind.charAt(0).toUpperCase() + kind.slice(1), title, text]
  return parts
    .filter((part) => part !== undefined)
    .map(unescaped)
    .join(': ')
}

function hidden(line: string, masks: ReadonlySet<string>): string {
  let text = line
  for (const mask of masks) text = text.replaceAll(mask, '***')
  return text
}

function unescaped(text: string): string {
  return text
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%25', '%')
}
