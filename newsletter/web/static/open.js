// newsletter, the desk: <a data-open="form id"> opens the form of the page that it leads to, below itself or below
// the link that data-home names, and closes it. keep.js carries what is open into what is painted anew.
import {reveal} from './reveal.js'
import {say} from './say.js'

const FIELD = 'input:not([type=hidden]), textarea'

export function settle(form, home) {
  home.parentElement.after(form)
  home.setAttribute('aria-expanded', String(!form.hidden))
}

async function ask(link) {
  const root = document.documentElement
  root.dataset.opening = '1' // no key is a shortcut until its field is there
  try {
    const answer = await fetch(link.href, {headers: {'X-Fragment': '1'}, redirect: 'manual'})
    if (!answer.ok) { location.assign(link.href); return null } // its page says why, or asks to sign in
    const box = document.createElement('template')
    box.innerHTML = await answer.text()
    return box.content.querySelector('form')
  } catch {
    say('It could not be opened: there is no connection.')
    return null
  } finally {
    delete root.dataset.opening
  }
}

async function open(link) {
  const place = link.dataset.home || link.id, id = link.dataset.open || `${place}-form`
  let form = document.getElementById(id)
  if (form) form.hidden = !form.hidden && place === link.id
  else {
    form = await ask(link)
    if (!form) return
    form.id = id
    form.dataset.home = place
  }
  const home = document.getElementById(place) // by its id: its part may have been painted anew
  if (!home) return
  settle(form, home)
  document.dispatchEvent(new CustomEvent('put'))
  if (form.hidden) { home.focus(); return }
  reveal(form)
  form.scrollIntoView({block: 'nearest'})
  form.querySelector(FIELD).focus({preventScroll: true})
}

addEventListener('click', event => {
  const link = event.target.closest('a[data-open]')
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  if (!document.documentElement.dataset.opening) open(link)
})
