// newsletter, the desk: what somebody wrote and did not post yet is carried into the part that replaces
// theirs, whole form and all: with the version that they saw, so that nobody is overwritten unasked.
import {settle} from './open.js'

const WRITING = 'input:not([type=hidden], [type=checkbox], [type=radio]), textarea, select'

export const isWrittenIn = part =>
  part.contains(document.activeElement) && document.activeElement.matches(WRITING)

const isDirty = form => [...form.elements].some(field =>
  field.matches('input:not([type=hidden], [type=checkbox]), textarea') && field.value !== field.defaultValue)

export function carry(old, part, sent) {
  for (const one of old.querySelectorAll('details[open][id]')) {
    const same = part.querySelector(`#${CSS.escape(one.id)}`)
    if (same && one.querySelector('form') !== sent) same.open = true
  }
  for (const form of old.querySelectorAll('form[id]')) {
    const same = part.querySelector(`#${CSS.escape(form.id)}`)
    if (same && form !== sent && isDirty(form)) same.replaceWith(form)
  }
  for (const form of old.querySelectorAll('form[data-home]')) {
    const home = part.querySelector(`#${CSS.escape(form.dataset.home)}`)
    if (home && form !== sent) settle(form, home)
  }
}
