// newsletter, the desk: <ol data-reorder="form id" data-to> of <li data-item> with a <button data-grip>.
// By mouse, finger and keyboard, also from one list to the next; every step is read out. The server decides.
import {say} from './say.js'
import {send} from './swap.js'
const EDGE = 48 // pixels from the window's, where it scrolls along
let held = null, home = null, from = null
const called = item => item.querySelector('.subject').textContent
const lists = () => [...document.querySelectorAll('[data-reorder]')]
const items = list => [...list.querySelectorAll(':scope > [data-item]')]
const where = item => {
  const all = items(item.parentElement)
  return `${item.parentElement.dataset.placeName}, ${all.indexOf(item) + 1} of ${all.length}`
}
function lift(item) {
  held = item, home = item.nextElementSibling, from = item.parentElement
  item.dataset.lifted = '1'
  say(`${called(item)} lifted, ${where(item)}. Arrows move, Space drops, Escape cancels.`)
}

const putBack = (item, list, next) => list.insertBefore(item, next?.parentElement === list ? next : null)

async function drop(keep) {
  const item = held, list = item.parentElement, start = from, next = home
  delete item.dataset.lifted
  held = null
  if (!keep) { putBack(item, start, next); say(`${called(item)} back at ${where(item)}.`); return }
  if (list === start && item.nextElementSibling === next) { say(`${called(item)} stays, ${where(item)}.`); return }
  const form = document.getElementById(list.dataset.reorder)
  const told = {article: item.dataset.item, place: items(list).indexOf(item) + 1, to: list.dataset.to, version: list.dataset.version}
  for (const [name, value] of Object.entries(told)) form.elements.namedItem(name).value = value
  say(`${called(item)} dropped, ${where(item)}.`)
  const answer = await send(form)
  if (!answer?.ok && item.isConnected && start.isConnected) putBack(item, start, next)
  document.getElementById(`grip-${item.dataset.item}`)?.focus({preventScroll: true})
}

function step(item, by) {
  const near = by < 0 ? item.previousElementSibling : item.nextElementSibling
  if (near) by < 0 ? near.before(item) : near.after(item)
  else {
    const all = lists(), next = all[all.indexOf(item.parentElement) + by]
    if (!next) return
    by < 0 ? next.append(item) : next.prepend(item)
  }
  item.querySelector('[data-grip]').focus()
  say(`${called(item)}, ${where(item)}.`)
}

addEventListener('keydown', event => {
  const item = event.target.closest?.('[data-grip]')?.closest('[data-item]')
  if (!item) return
  if (event.key === ' ' || event.key === 'Enter') { event.preventDefault(); held ? drop(true) : lift(item) }
  else if (held && event.key === 'Escape') { drop(false); item.querySelector('[data-grip]').focus() }
  else if (held && event.key.startsWith('Arrow')) { event.preventDefault(); step(item, event.key === 'ArrowDown' ? 1 : -1) }
})

const isOver = (box, y) => y >= box.top && y <= box.bottom

addEventListener('pointerdown', event => {
  const grip = event.target.closest('[data-grip]')
  if (!grip || event.button) return
  event.preventDefault()
  const item = grip.closest('[data-item]'), watch = new AbortController()
  let moved = false
  const move = now => {
    if (!moved && Math.abs(now.clientY - event.clientY) < 4) return
    if (!moved) { moved = true; lift(item) }
    if (now.clientY < EDGE || now.clientY > innerHeight - EDGE) scrollBy(0, now.clientY < EDGE ? -EDGE / 2 : EDGE / 2)
    const list = lists().find(one => isOver(one.getBoundingClientRect(), now.clientY))
    if (!list) return
    const over = items(list).find(one => one !== item && isOver(one.getBoundingClientRect(), now.clientY))
    if (!over) { if (list !== item.parentElement) list.append(item); return }
    const box = over.getBoundingClientRect()
    now.clientY < box.top + box.height / 2 ? over.before(item) : over.after(item)
  }
  const end = up => { watch.abort(); grip.focus(); if (moved) drop(up.type === 'pointerup') }
  addEventListener('pointermove', move, {signal: watch.signal})
  addEventListener('pointerup', end, {signal: watch.signal})
  addEventListener('pointercancel', end, {signal: watch.signal})
})
