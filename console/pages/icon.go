package pages

import "html/template"

// shapes are small pictures beside words, each with a form of its own: colour alone tells nothing.
var shapes = map[string]string{
	"run":   `<path class="fill" d="M4.5 2.8v10.4a.6.6 0 0 0 .9.5l8.4-5.2a.6.6 0 0 0 0-1L5.4 2.3a.6.6 0 0 0-.9.5z"/>`,
	"pause": `<path class="fill" d="M4 2.5h3v11H4zm5 0h3v11H9z"/>`,
	"wait":  `<circle class="line" cx="8" cy="8" r="6"/><path class="line" d="M8 4.5V8l2.5 1.8"/>`,
	"ok":    `<circle class="fill" cx="8" cy="8" r="7"/><path class="cut" d="m4.8 8.3 2.3 2.3 4.3-4.7"/>`,
	"bad": `<path class="fill" d="M7.1 1.8a1 1 0 0 1 1.8 0l6 11a1 1 0 0 1-.9 1.5H2a1 1 0 0 1-.9-1.5z"/>` +
		`<path class="cut" d="M8 5.8v3.7m0 2.1v.1"/>`,
	"off":   `<circle class="line" cx="8" cy="8" r="6"/><path class="line" d="m3.8 12.2 8.4-8.4"/>`,
	"gate":  `<path class="line" d="M3 14V3m10 11V3M3 5h10M3 9.5h10"/>`,
	"hand":  `<circle class="line" cx="8" cy="5" r="2.7"/><path class="line" d="M2.8 14c.3-3 2.4-4.6 5.2-4.6s4.9 1.6 5.2 4.6"/>`,
	"brake": `<path class="fill" d="M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2z"/><path class="cut" d="M8 4.5v4.2m0 2.3v.2"/>`,
	"down":  `<path class="line" d="M8 2v8m-3.5-3.3L8 10.2l3.5-3.5M2.5 13.5h11"/>`,
}

// icon is a shape; it says nothing to those who do not see it, for words stand beside it.
func icon(name string) template.HTML {
	//nolint:gosec // made of our own constants
	return template.HTML(`<svg class="icon" aria-hidden="true" width="16" height="16" viewBox="0 0 16 16">` + shapes[name] + `</svg>`)
}
