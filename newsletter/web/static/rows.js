// newsletter, the desk: j and k go from entry to entry; data-row-key="x" in the one that has the focus is
// pressed by its key. A link to a place of the page opens what it lies in, and puts the focus there.
import {isOff, isWriting} from './keys.js'
import {reveal} from './reveal.js'

const grips = () => [...document.querySelectorAll('[data-grip]')].filter(one => one.checkVisibility())

function go(by) {
  const all = grips()
  const here = all.indexOf(document.activeElement?.closest('[data-item]')?.querySelector('[data-grip]'))
  all[here < 0 ? 0 : Math.min(Math.max(here + by, 0), all.length - 1)]?.focus()
}

addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
  if (isWriting(event.target) || isOff()) return
  if (event.key === 'j' || event.key === 'k') { event.preventDefault(); go(event.key === 'j' ? 1 : -1); return }
  const found = event.target.closest?.('[data-item]')?.querySelector(`[data-row-key="${CSS.escape(event.key)}"]`)
  if (!found) return
  event.preventDefault()
  found.click()
})

// Whoever has worded an entry goes on from there
document.addEventListener('swapped', event => {
  const item = event.detail.closest('[data-item]')
  if (item) document.getElementById(`grip-${item.dataset.item}`)?.focus({preventScroll: true})
})

addEventListener('click', event => {
  const summary = event.target.closest('summary')
  if (summary && !summary.parentElement.open) {
    // By its id: the part may be painted anew in this very moment
    const box = summary.parentElement, now = () => document.getElementById(box.id) ?? box
    setTimeout(() => now().querySelector('input:not([type=hidden]), textarea')?.focus())
  }
  const link = event.target.closest('a[href^="#"]')
  const target = link && document.getElementById(link.getAttribute('href').slice(1))
  if (!target) return
  event.preventDefault()
  reveal(target)
  const field = target.matches('input, textarea') ? target : target.querySelector('input:not([type=hidden]), textarea')
  target.scrollIntoView({block: 'center'})
  field?.focus({preventScroll: true})
})
