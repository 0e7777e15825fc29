// newsletter, the desk: <ol data-reorder="form id"> of <li data-item data-name> with a <button data-grip>.
// By mouse, finger and keyboard; every step is read out. The server decides: its answer is the order.
import {say} from './say.js'
import {send} from './swap.js'

let held = null, home = null
const items = list => [...list.querySelectorAll(':scope > [data-item]')]
const where = item => `${items(item.parentElement).indexOf(item) + 1} of ${items(item.parentElement).length}`

function lift(item) {
  held = item
  home = item.nextElementSibling
  item.dataset.lifted = '1'
  say(`${item.dataset.name} lifted, ${where(item)}. Arrows move, Space drops, Escape cancels.`)
}

async function drop(keep) {
  const item = held, list = item.parentElement, from = home
  delete item.dataset.lifted
  held = null
  if (!keep) { list.insertBefore(item, from); say(`${item.dataset.name} back at ${where(item)}.`); return }
  const form = document.getElementById(list.dataset.reorder)
  form.elements.namedItem('article').value = item.dataset.item
  form.elements.namedItem('place').value = items(list).indexOf(item) + 1
  say(`${item.dataset.name} dropped, ${where(item)}.`)
  const answer = await send(form)
  if (!answer?.ok && item.isConnected) list.insertBefore(item, from?.isConnected ? from : null)
}

function step(item, by) {
  const other = by < 0 ? item.previousElementSibling : item.nextElementSibling
  if (!other?.matches('[data-item]')) return
  by < 0 ? other.before(item) : other.after(item)
  item.querySelector('[data-grip]').focus()
  say(`${item.dataset.name}, ${where(item)}.`)
}

addEventListener('keydown', event => {
  const item = event.target.closest?.('[data-grip]')?.closest('[data-item]')
  if (!item) return
  const isArrow = event.key === 'ArrowUp' || event.key === 'ArrowDown'
  if (event.key === ' ' || event.key === 'Enter') { event.preventDefault(); held ? drop(true) : lift(item) }
  else if (held && event.key === 'Escape') { drop(false); item.querySelector('[data-grip]').focus() }
  else if (held && isArrow) { event.preventDefault(); step(item, event.key === 'ArrowUp' ? -1 : 1) }
})

addEventListener('pointerdown', event => {
  const grip = event.target.closest('[data-grip]')
  if (!grip || event.button) return
  event.preventDefault()
  const item = grip.closest('[data-item]'), watch = new AbortController()
  let moved = false
  const move = now => {
    if (!moved && Math.abs(now.clientY - event.clientY) < 4) return
    if (!moved) { moved = true; lift(item) }
    const over = items(item.parentElement).find(one => one !== item &&
      now.clientY > one.getBoundingClientRect().top && now.clientY < one.getBoundingClientRect().bottom)
    if (!over) return
    const box = over.getBoundingClientRect()
    now.clientY < box.top + box.height / 2 ? over.before(item) : over.after(item)
  }
  const end = up => { watch.abort(); grip.focus(); if (moved) drop(up.type === 'pointerup') }
  addEventListener('pointermove', move, {signal: watch.signal})
  addEventListener('pointerup', end, {signal: watch.signal})
  addEventListener('pointercancel', end, {signal: watch.signal})
})
