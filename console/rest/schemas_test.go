package rest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swaggest/jsonschema-go"

	"github.com/simshift/simshift/jobs"
	"github.com/simshift/simshift/ratelimit"
)

// refs is where the document keeps its schemas.
const refs = "#/components/schemas/"

// schemas makes the document's schemas from the types of the answers, and their words from the comments beside these.
type schemas struct {
	reflector jsonschema.Reflector
	comments  map[string]string // by package.Type, or package.Type.Field
	taken     map[string]bool   // names of types that come as bodies
	made      map[string]jsonschema.Schema
}

func newSchemas(t *testing.T) *schemas {
	t.Helper()
	s := &schemas{comments: map[string]string{}, taken: map[string]bool{}, made: map[string]jsonschema.Schema{}}
	for _, folder := range []string{"../api", "../../jobs", "../../ratelimit"} {
		s.readComments(t, folder)
	}
	for _, o := range operations {
		if o.takes != nil {
			s.taken[reflect.TypeOf(o.takes).Name()] = true
		}
	}
	return s
}

// of gives the schema of a value's type. Structs are kept once, under their names.
func (s *schemas) of(t *testing.T, like any) jsonschema.Schema {
	t.Helper()
	schema, err := s.reflector.Reflect(like, jsonschema.DefinitionsPrefix(refs), jsonschema.RootRef,
		jsonschema.InterceptDefName(defName), jsonschema.InterceptSchema(s.describe), jsonschema.InterceptProp(s.describeField),
		jsonschema.CollectDefinitions(func(name string, one jsonschema.Schema) { s.made[name] = one }))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// defName tells apart the two types of one name.
func defName(of reflect.Type, _ string) string {
	if of == reflect.TypeFor[ratelimit.Limits]() {
		return "LimitValues"
	}
	return of.Name()
}

// names are those of types that are written as a few words.
var names = map[reflect.Type][]any{
	reflect.TypeFor[jobs.Target](): {jobs.Global, jobs.US},
	reflect.TypeFor[jobs.Remedy](): {jobs.RemedyAccount, jobs.RemedyLook, jobs.RemedyFile, jobs.RemedyRetry, jobs.RemedyNone},
	reflect.TypeFor[jobs.Phase](): {
		jobs.Importing, jobs.Running, jobs.Paused, jobs.Cancelling, jobs.Finished, jobs.Stopped, jobs.Abandoned,
	},
	reflect.TypeFor[jobs.State]():  append(stateNames(), jobs.Closed.String()), // the last is of batches alone
	reflect.TypeFor[jobs.Reason](): reasonNames(),
}

func stateNames() (list []any) {
	for _, state := range jobs.States {
		list = append(list, state.String())
	}
	return list
}

func reasonNames() (list []any) {
	for r := jobs.NoReason; !strings.HasPrefix(r.String(), "reason("); r++ {
		list = append(list, r.String())
	}
	return list
}

func (s *schemas) describe(p jsonschema.InterceptSchemaParams) (stop bool, err error) {
	of := p.Value.Type()
	if !p.Processed || of.Name() == "" {
		return false, nil
	}
	if words := names[of]; words != nil {
		*p.Schema = *(&jsonschema.Schema{}).WithType(jsonschema.String.Type()).WithEnum(words...)
	}
	switch {
	case of == reflect.TypeFor[jobs.Counts]():
		p.Schema.PropertyNames = &jsonschema.SchemaOrBool{TypeObject: (&jsonschema.Schema{}).WithEnum(stateNames()...)}
	case of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]():
		return false, nil
	}
	if text := s.comments[of.String()]; text != "" {
		p.Schema.WithDescription(text)
	}
	if s.taken[of.Name()] {
		p.Schema.Required = needed[of.Name()]
		no := false
		p.Schema.AdditionalProperties = &jsonschema.SchemaOrBool{TypeBoolean: &no} // a field that is not known is refused
	}
	slices.Sort(p.Schema.Required)
	return false, nil
}

func (s *schemas) describeField(p jsonschema.InterceptPropParams) error {
	if !p.Processed {
		return nil
	}
	_, options, _ := strings.Cut(p.Field.Tag.Get("json"), ",")
	if !strings.Contains(options, "omit") {
		p.ParentSchema.Required = append(p.ParentSchema.Required, p.Name)
	}
	if kind := p.Field.Type.Kind(); p.PropertySchema.Type != nil && (kind == reflect.Slice || kind == reflect.Map) {
		p.PropertySchema.Type.SliceOfSimpleTypeValues = nil // never null: those that are empty are [] and {}
		p.PropertySchema.WithType(map[bool]jsonschema.SimpleType{true: jsonschema.Array, false: jsonschema.Object}[kind == reflect.Slice].Type())
	}
	text := s.comments[s.owner(p)+"."+p.Field.Name]
	if p.Field.Type == reflect.TypeFor[time.Duration]() {
		p.PropertySchema.WithType(jsonschema.String.Type()) // jobs.Policy, which alone has such, writes them so
		text = strings.TrimPrefix(text+"; as 90s, 15m or 6h", "; ")
	}
	if ref := p.PropertySchema.Ref; ref != nil && p.Field.Type.Kind() == reflect.Pointer && strings.Contains(text, "null") {
		one := (&jsonschema.Schema{}).WithRef(*ref).ToSchemaOrBool()
		*p.PropertySchema = *(&jsonschema.Schema{}).WithAnyOf(one, (&jsonschema.Schema{}).WithType(jsonschema.Null.Type()).ToSchemaOrBool())
	}
	if text != "" {
		p.PropertySchema.WithDescription(text)
	}
	return nil
}

// owner is the struct that a field stands in: the parent, or one that the parent embeds.
func (s *schemas) owner(p jsonschema.InterceptPropParams) string {
	parent := p.ParentSchema.ReflectType
	if parent == nil {
		return ""
	}
	for parent.Kind() == reflect.Pointer {
		parent = parent.Elem()
	}
	field, _ := parent.FieldByName(p.Field.Name)
	for _, i := range field.Index[:max(len(field.Index)-1, 0)] {
		parent = parent.Field(i).Type
	}
	return parent.String()
}

var link = regexp.MustCompile(`\[\*?([A-Za-z.]+)\]`)

// readComments takes what stands beside types and fields.
func (s *schemas) readComments(t *testing.T, folder string) {
	t.Helper()
	files, err := fs.Glob(os.DirFS(folder), "*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(folder, err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), folder+"/"+name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if g, is := d.(*ast.GenDecl); is && g.Tok == token.TYPE {
				for _, spec := range g.Specs {
					s.readType(file.Name.Name, g, spec.(*ast.TypeSpec))
				}
			}
		}
	}
}

func (s *schemas) readType(pkg string, g *ast.GenDecl, spec *ast.TypeSpec) {
	name := pkg + "." + spec.Name.Name
	s.comments[name] = sentence(spec.Doc, g.Doc)
	if body, is := spec.Type.(*ast.StructType); is {
		for _, field := range body.Fields.List {
			for _, ident := range field.Names {
				s.comments[name+"."+ident.Name] = sentence(field.Doc, field.Comment)
			}
		}
	}
}

// sentence is a comment on one line, without links.
func sentence(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			return link.ReplaceAllString(text, "$1")
		}
	}
	return ""
}
