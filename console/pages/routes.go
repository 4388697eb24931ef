package pages

import (
	"net/http"

	"github.com/simshift/simshift/console/access"
)

// Routes are the paths of the pages.
func (p *Pages) Routes() []access.Route {
	return []access.Route{
		{Method: http.MethodGet, Path: "/static/{file}", Needs: access.Anyone, Handle: p.static},
	}
}
