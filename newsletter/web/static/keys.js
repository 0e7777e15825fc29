// newsletter, the desk: data-key="a" or "g t" on a button or link. Never while somebody writes or drags;
// ? lists them. Single letters can be switched off, which this browser remembers.
import {isFolded, reveal} from './reveal.js'

const OFF = 'desk-keys-off'
const PATIENCE = 1200
let before = '', at = 0

export const isWriting = target => target.matches?.('input, textarea, select, [contenteditable]') ||
  target.closest?.('[data-lifted]') || document.querySelector('dialog[open], [data-opening]')
export const isOff = () => localStorage.getItem(OFF) === '1'
const holder = key => [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)]
  .find(one => !one.disabled && (one.checkVisibility() || isFolded(one)))

function list() {
  const rows = document.getElementById('keys-list')
  const all = [...document.querySelectorAll('[data-key], [data-row-key]')]
  const first = new Map(all.reverse().map(one => [one.dataset.key || one.dataset.rowKey, one]))
  rows.replaceChildren(...[...first].reverse().map(([name, one]) => {
    const row = document.createElement('li'), key = document.createElement('kbd')
    key.textContent = name
    row.append(key, ' ', one.dataset.keyName || one.getAttribute('aria-label') || one.textContent.trim())
    return row
  }))
  document.getElementById('keys').showModal()
}

addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isWriting(event.target)) return
  if (event.key === '?') { list(); return }
  if (isOff() || event.key.length > 1) return
  const both = Date.now() - at < PATIENCE ? `${before} ${event.key}` : ''
  const found = (both && holder(both)) || holder(event.key)
  before = event.key
  at = Date.now()
  if (!found) return
  event.preventDefault()
  reveal(found)
  found.matches('input:not([type=radio]), textarea') ? found.focus() : found.click()
})

document.getElementById('keys-open')?.addEventListener('click', list)
const off = document.getElementById('keys-off')
if (off) {
  off.checked = isOff()
  off.addEventListener('change', () => localStorage.setItem(OFF, off.checked ? '1' : '0'))
}
