package pages

import (
	"net/http"

	"github.com/simshift/simshift/console/access"
	"github.com/simshift/simshift/console/api"
)

// Routes are the paths of the pages.
func (p *Pages) Routes() []access.Route {
	get := func(path string, page handler) access.Route {
		return access.Route{Method: http.MethodGet, Path: path, Needs: access.Viewer, Handle: p.handle(page)}
	}
	post := func(path string, needs access.Role, page handler) access.Route {
		return access.Route{Method: http.MethodPost, Path: path, Needs: needs, Handle: p.handle(page)}
	}
	operators := func(r access.Route) access.Route {
		r.Needs = access.Operator
		return r
	}
	routes := []access.Route{
		{Method: http.MethodGet, Path: "/static/{file}", Needs: access.Anyone, Handle: p.static},
		get("/{$}", p.overview),
		get("/parts", p.overviewParts),
		get("/jobs", p.jobList),
		get("/jobs/{job}", p.job),
		get("/jobs/{job}/parts", p.jobParts),
		get("/jobs/{job}/batches", p.batches),
		get("/jobs/{job}/log", p.log),
		get("/jobs/{job}/results.csv", p.results),
		get("/devices", p.devices),
		get("/parked", p.parked),
		post("/parked/replay", access.Operator, p.replay),
		post("/parked/forget", access.Operator, p.forget),
		get("/limits", p.limits),
		post("/limits", access.Operator, p.setLimits),
		get("/health", p.health),
		get("/import", p.importForm),
		post("/import", access.Operator, p.upload),
		operators(get("/import/{upload}", p.plan)),
		operators(get("/import/{upload}/rejects.csv", p.rejects)),
		post("/import/{upload}", access.Operator, p.start),
	}
	for _, a := range acts {
		needs := access.Operator
		if a.name == api.Approve {
			needs = access.Approver
		}
		path := "/jobs/{job}/act/" + a.name
		routes = append(routes, get(path, p.askAct(a)), post(path, needs, p.doAct(a)))
	}
	return routes
}
