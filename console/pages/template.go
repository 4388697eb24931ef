package pages

import (
	"embed"
	"html/template"
	"path"
	"strings"
	"sync"

	"github.com/simshift/simshift/console/chart"
)

//go:embed templates
var files embed.FS

// templates are the pages by their names, each with the layout around it. They are parsed where pages are shown, and not in every
// command of the program: it takes as long as all else that a short command does.
var templates = sync.OnceValue(parse)

func parse() map[string]*template.Template {
	shared := template.Must(template.New("").Funcs(helpers).ParseFS(files, "templates/layout/*.html"))
	template.Must(shared.Parse(chart.Templates))
	all, err := files.ReadDir("templates")
	if err != nil {
		panic(err)
	}
	set := make(map[string]*template.Template, len(all))
	for _, entry := range all {
		if name, page := strings.CutSuffix(entry.Name(), ".html"); page {
			set[name] = template.Must(template.Must(shared.Clone()).ParseFS(files, path.Join("templates", entry.Name())))
		}
	}
	return set
}
