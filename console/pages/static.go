package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"

	"github.com/simshift/simshift/console/chart"
)

//go:embed static
var assetFiles embed.FS

// asset is a file that never changes under its name, which holds a part of its sum.
type asset struct {
	kind string
	body []byte
}

var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// assets are the static files by the names they are served under, assetNames these names by those of the files.
var assets, assetNames = readAssets()

func readAssets() (map[string]asset, map[string]string) {
	entries, err := assetFiles.ReadDir("static")
	if err != nil {
		panic(err)
	}
	byName, names := make(map[string]asset), make(map[string]string)
	for _, entry := range entries {
		body, err := assetFiles.ReadFile(path.Join("static", entry.Name()))
		if err != nil {
			panic(err)
		}
		if entry.Name() == "console.css" {
			body = append([]byte(chart.Style), body...)
		}
		sum := sha256.Sum256(body)
		ending := path.Ext(entry.Name())
		name := strings.TrimSuffix(entry.Name(), ending) + "." + hex.EncodeToString(sum[:6]) + ending
		byName[name], names[entry.Name()] = asset{mediaTypes[ending], body}, name
	}
	return byName, names
}

func (p *Pages) static(w http.ResponseWriter, r *http.Request) {
	a, found := assets[r.PathValue("file")]
	if !found {
		http.NotFound(w, r)
		return
	}
	send(w, r, http.StatusOK, a.kind, "public, max-age=31536000, immutable", a.body)
}
